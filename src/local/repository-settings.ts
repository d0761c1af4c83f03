import { setTimeout as sleep } from "node:timers/promises";
import { isLandError, LandError } from "../domain/errors.ts";
import type { Git } from "../git/git.ts";
import type { ForgeLayout } from "./local-forge.ts";

/** What a repository's own git config says about its forge. All worktrees share it. */

/** The key that names the forge: a state folder, or a hosted forge's address. */
export const forgeKey = "land.forge";
/** The remote that `land init` adds. */
export const forgeRemote = "forge";

const unset = [0, 1];
/** Several commands may want git's config lock at once. */
const patienceMs = 5_000;

/** A key of the repository's own config; undefined where it is not set. */
export async function readOwnConfig(
  git: Git,
  key: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const args = ["config", "--local", "--null", "--get", key];
  const { exitCode, stdout } = await git.run({ args, answers: unset }, signal);
  return exitCode === 0 ? stdout.replace(/\0$/, "") : undefined;
}

/** Sets a key of the repository's own config, also while others write to it. */
export async function writeOwnConfig(
  git: Git,
  key: string,
  value: string,
  signal?: AbortSignal,
): Promise<void> {
  await whileLocked(async () => {
    if ((await readOwnConfig(git, key, signal)) === value) return;
    await git.run({ args: ["config", "--local", "--replace-all", key, value] }, signal);
  }, signal);
}

export interface Remote {
  readonly name: string;
  readonly url: string;
}

/** The remotes with their first URL, as git knows them. */
export async function readRemotes(git: Git, signal?: AbortSignal): Promise<readonly Remote[]> {
  const args = ["config", "--null", "--get-regexp", "^remote\\..*\\.url$"];
  const { stdout } = await git.run({ args, answers: unset }, signal);
  const remotes = new Map<string, string>();
  for (const entry of stdout.split("\0")) {
    const end = entry.indexOf("\n");
    if (end < 0) continue;
    const name = entry.slice("remote.".length, end - ".url".length);
    if (!remotes.has(name)) remotes.set(name, entry.slice(end + 1));
  }
  return [...remotes].map(([name, url]) => ({ name, url }));
}

/** The remote that leads to a local forge, whatever it is called; `forge` first. */
export function remoteOfForge(remotes: readonly Remote[], layout: ForgeLayout): string | undefined {
  const leading = remotes.filter((remote) => remote.url === layout.repositoryDir);
  return (leading.find((remote) => remote.name === forgeRemote) ?? leading[0])?.name;
}

/** Refuses where the name `forge` is taken by a remote that leads elsewhere; never rewrites one. */
export function refuseForeignRemote(remotes: readonly Remote[], layout: ForgeLayout): void {
  if (remoteOfForge(remotes, layout) !== undefined) return;
  if (!remotes.some((remote) => remote.name === forgeRemote)) return;
  throw new LandError(
    "unsupported_repository",
    `This repository already has a remote named \`${forgeRemote}\` that leads elsewhere.`,
    {
      state: "Nothing was changed; remotes are never rewritten.",
      next: `Rename it (\`git remote rename ${forgeRemote} another-name\`), then run \`land init\` again.`,
    },
  );
}

/** Adds the remote of a forge where there is none. Answers its name. */
export async function addForgeRemote(
  git: Git,
  layout: ForgeLayout,
  signal?: AbortSignal,
): Promise<string> {
  return whileLocked(async () => {
    const remotes = await readRemotes(git, signal);
    refuseForeignRemote(remotes, layout);
    const known = remoteOfForge(remotes, layout);
    if (known !== undefined) return known;
    await git.run({ args: ["remote", "add", forgeRemote, layout.repositoryDir] }, signal);
    return forgeRemote;
  }, signal);
}

/** Does something again while git refuses because another holds the lock of its config. */
async function whileLocked<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLandError(error, "git_failed") || Date.now() > until) throw error;
      if (!/could not lock|already exists|File exists/i.test(error.message)) throw error;
    }
    await sleep(10 + Math.random() * 40, undefined, signal === undefined ? {} : { signal });
  }
}
