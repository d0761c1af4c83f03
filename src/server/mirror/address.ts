import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { isPrivate } from "../../domain/private-file.ts";
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
  if (token != null && token.trim() !== "") return token.trim();
  if (tokenFile != null) return (await privateText(tokenFile)).trim();
  if (tokenEnv == null) return undefined;
  const given = env[tokenEnv]?.trim() ?? "";
  if (given !== "") return given;
  throw new MirrorFailure(
    "config",
    `The variable ${tokenEnv}, which is to hold the mirror's token, is empty or not set where the ` +
      "forge runs.",
  );
}

/** Whether an address is the canonical repository's own: it would always seem to be in step. */
export async function leadsTo(repositoryDir: string, url: string): Promise<boolean> {
  const path = url.startsWith("/") ? url : fileOf(url);
  if (path === undefined) return false;
  const own = await realpath(repositoryDir);
  // Git tries these for what it is given.
  const tried = ["", ".git", "/.git"].map((end) => realpath(path + end).catch(() => undefined));
  return (await Promise.all(tried)).includes(own);
}

function fileOf(url: string): string | undefined {
  const path = /^file:\/\/(.*)$/i.exec(url)?.[1];
  try {
    return path === undefined ? undefined : decodeURIComponent(path);
  } catch {
    return path;
  }
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
    throw unusable(wordsFor((error as NodeJS.ErrnoException).code));
  }
  try {
    const about = await file.stat();
    if (!about.isFile()) throw unusable("it is no file");
    if (!isPrivate(about, process.geteuid?.())) {
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

function wordsFor(code: string | undefined): string {
  if (code === "ENOENT") return "it is not there";
  if (code === "EACCES") return "the forge's user may not read it";
  return code ?? "it cannot be read";
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
