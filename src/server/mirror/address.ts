import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { MirrorSettings } from "../config.ts";
import { MirrorFailure } from "./failure.ts";

/** A login for git over HTTP, which only the environment of one git call carries. */
export interface MirrorLogin {
  readonly env: Readonly<Record<string, string>>;
  /** What must never be shown. */
  readonly secrets: readonly string[];
}

/**
 * The token of the settings, or of the file or the variable that they name, read anew each time so
 * that it can be exchanged. Throws MirrorFailure where a file cannot be used.
 */
export async function tokenOf(
  settings: MirrorSettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const { url, token, tokenFile, tokenEnv } = settings;
  if (!isHttp(url)) return undefined;
  const given = [
    token,
    tokenFile == null ? undefined : await privateText(tokenFile),
    tokenEnv == null ? undefined : env[tokenEnv],
  ];
  return given.find((text) => text != null && text.trim() !== "")?.trim();
}

const longestToken = 8192;

/** A file's text, where nobody else can read or change it. */
async function privateText(path: string): Promise<string> {
  const unusable = (why: string) =>
    new MirrorFailure("config", `The mirror's token file ${path} cannot be used: ${why}.`);
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unusable((error as NodeJS.ErrnoException).code ?? "it cannot be read");
  }
  try {
    const about = await file.stat();
    if (!about.isFile()) throw unusable("it is no file");
    if ((about.mode & 0o077) !== 0) {
      throw unusable("others can read or change it; `chmod 600` makes it private");
    }
    if (about.size > longestToken) throw unusable("it is longer than any token");
    const text = await file.readFile("utf8");
    if (text.trim() === "") throw unusable("it is empty");
    if (/[\r\n]/.test(text.trim())) throw unusable("it holds more than one line");
    return text;
  } finally {
    await file.close();
  }
}

/** Other transports know no token. */
function isHttp(url: string): boolean {
  return /^https?:/i.test(url);
}

/** Git's settings for one call, as variables: others can see a command line, but not these. */
export function loginOf(settings: MirrorSettings, token: string | undefined): MirrorLogin {
  const always: readonly [string, string][] = [
    ["gc.auto", "0"],
    ["maintenance.auto", "false"],
    ["push.gpgSign", "false"],
    ["push.followTags", "false"],
    ["push.recurseSubmodules", "no"],
    ["push.useForceIfIncludes", "false"],
  ];
  if (!isHttp(settings.url) || token === undefined)
    return { env: asVariables(always), secrets: [] };
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
