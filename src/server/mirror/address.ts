import type { MirrorSettings } from "../config.ts";

/** A login for git over HTTP, which only the environment of one git call carries. */
export interface MirrorLogin {
  readonly env: Readonly<Record<string, string>>;
  /** What must never be shown. */
  readonly secrets: readonly string[];
}

/** The token of the settings, or of the variable they name. */
export function tokenOf(
  settings: MirrorSettings,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const named = settings.tokenEnv == null ? undefined : env[settings.tokenEnv];
  return [settings.token, named].find((token) => token != null && token.trim() !== "")?.trim();
}

/** Git's settings for one call, as variables: others can see a command line, but not these. */
export function loginOf(settings: MirrorSettings, token: string | undefined): MirrorLogin {
  const isHttp = /^https?:/i.test(settings.url);
  const always: readonly [string, string][] = [
    ["gc.auto", "0"],
    ["maintenance.auto", "false"],
    ["push.gpgSign", "false"],
    ["push.followTags", "false"],
    ["push.recurseSubmodules", "no"],
    ["push.useForceIfIncludes", "false"],
  ];
  if (!isHttp || token === undefined) return { env: asVariables(always), secrets: [] };
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const own: readonly [string, string][] = [
    // Nobody else is to be asked for a login, or to keep this one.
    ["credential.helper", ""],
    // A host that sends us elsewhere must not get the login that was meant for it.
    ["http.followRedirects", "false"],
    [`http.${settings.url}.extraHeader`, `Authorization: Basic ${basic}`],
  ];
  return { env: asVariables([...always, ...own]), secrets: [token, basic] };
}

function asVariables(settings: readonly (readonly [string, string])[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  settings.forEach(([key, value], at) => {
    variables[`GIT_CONFIG_KEY_${at}`] = key;
    variables[`GIT_CONFIG_VALUE_${at}`] = value;
  });
  return variables;
}

/** The environment to push in: what makes git or ssh tell all they send is left out. */
export function quietEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(GIT_TRACE|GIT_CURL_VERBOSE|GIT_CONFIG_(COUNT|KEY_|VALUE_))/.test(name),
    ),
  );
}
