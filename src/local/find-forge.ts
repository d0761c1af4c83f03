import { createHash } from "node:crypto";
import { readdir, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { LandError } from "../domain/errors.ts";
import { Git } from "../git/git.ts";
import { forgesRoot, layoutOf } from "./layout.ts";
import type { ForgeLayout } from "./local-forge.ts";
import { addressKey, type RemoteAddress, remoteAddress } from "./remote-address.ts";
import { forgeKey, readOwnConfig, readRemotes } from "./repository-settings.ts";
import { type ForgeSettings, readSettings } from "./settings.ts";

/** A forge that is there, with its settings. */
export interface KnownForge {
  readonly layout: ForgeLayout;
  readonly settings: ForgeSettings;
}

/** The forge of a state folder; undefined where there is none. Throws where it is malformed. */
export async function forgeAt(stateDir: string): Promise<KnownForge | undefined> {
  const layout = layoutOf(stateDir);
  const settings = await readSettings(layout);
  return settings === undefined ? undefined : { layout, settings };
}

/** The local forge that a repository's config names, if it is there. */
export async function configuredForge(
  git: Git,
  signal?: AbortSignal,
): Promise<KnownForge | undefined> {
  const value = await readOwnConfig(git, forgeKey, signal);
  return value === undefined || !isAbsolute(value) ? undefined : forgeAt(value);
}

/** The state folder for a repository's own forge: a readable name and what tells it apart. */
export function ownStateDir(stateHome: string, commonDir: string, name?: string): string {
  const folder =
    basename(commonDir) === ".git" ? basename(dirname(commonDir)) : basename(commonDir);
  const readable = (name ?? folder)
    .toLowerCase()
    .replace(/\.git$/, "")
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 40);
  const hash = createHash("sha256").update(commonDir).digest("hex").slice(0, 8);
  return join(forgesRoot(stateHome), `${readable === "" ? "repository" : readable}-${hash}`);
}

/** Where `origin` leads; undefined without one. */
export async function originOf(git: Git, signal?: AbortSignal): Promise<RemoteAddress | undefined> {
  const origin = (await readRemotes(git, signal)).find((remote) => remote.name === "origin");
  return origin === undefined ? undefined : remoteAddress(origin.url, git.place.dir);
}

/** The first commits of a history. */
export async function rootsOf(
  git: Git,
  commit: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const said = await git.text(["rev-list", "--max-parents=0", commit], signal);
  return said === "" ? [] : said.split("\n");
}

/** All forges of this user whose settings can be read. */
async function allForges(stateHome: string): Promise<readonly KnownForge[]> {
  const root = forgesRoot(stateHome);
  const names = await readdir(root).catch(() => []);
  const found = await Promise.all(
    names.map((name) => forgeAt(join(root, name)).catch(() => undefined)),
  );
  return found.filter((forge) => forge !== undefined);
}

/** Forges made for another clone of the same origin. */
export async function forgesOfOrigin(
  stateHome: string,
  origin: RemoteAddress,
): Promise<readonly KnownForge[]> {
  const key = addressKey(origin);
  return (await allForges(stateHome)).filter((forge) => forge.settings.origin === key);
}

/**
 * The forge that a second clone means to join: the given state folder or clone; else the forge of
 * the clone that `origin` leads to, of the same origin, of the same first commits.
 */
export async function forgeToJoin(
  git: Git,
  stateHome: string,
  given: string | undefined,
  signal?: AbortSignal,
): Promise<KnownForge> {
  if (given !== undefined) return namedForge(resolve(git.place.dir, given), git, signal);
  const origin = await originOf(git, signal);
  if (origin?.kind === "path") {
    const forge = await forgeOfClone(origin.path, git, signal);
    if (forge !== undefined) return forge;
  }
  const sameOrigin = origin === undefined ? [] : await forgesOfOrigin(stateHome, origin);
  const candidates =
    sameOrigin.length > 0 ? sameOrigin : await forgesOfSameRoots(git, stateHome, signal);
  const [only, ...others] = candidates;
  if (only === undefined) {
    throw new LandError("no_forge", "There is no forge here that this clone could join.", {
      state: "Nothing was changed.",
      next: "Name the first clone or its state folder (`land init --join DIR`), or make a forge with `land init`.",
    });
  }
  if (others.length === 0) return only;
  throw new LandError("bad_argument", "This clone could join more than one forge.", {
    state: "Nothing was changed.",
    next: `Name one: ${candidates.map((forge) => `\`land init --join ${forge.layout.stateDir}\``).join(", ")}.`,
    facts: { forges: candidates.map((forge) => forge.layout.stateDir) },
  });
}

async function namedForge(
  path: string,
  git: Git,
  signal: AbortSignal | undefined,
): Promise<KnownForge> {
  const forge = (await forgeAt(path)) ?? (await forgeOfClone(path, git, signal));
  if (forge !== undefined) return forge;
  throw new LandError("no_forge", `${path} is neither a forge's state nor a clone that has one.`, {
    state: "Nothing was changed.",
    next: "Name the clone in which `land init` was run.",
  });
}

async function forgeOfClone(
  path: string,
  git: Git,
  signal: AbortSignal | undefined,
): Promise<KnownForge | undefined> {
  const dir = await realpath(path).catch(() => undefined);
  if (dir === undefined) return undefined;
  try {
    return await configuredForge(new Git({ dir, env: git.place.env }), signal);
  } catch {
    return undefined;
  }
}

async function forgesOfSameRoots(
  git: Git,
  stateHome: string,
  signal: AbortSignal | undefined,
): Promise<readonly KnownForge[]> {
  const forges = await allForges(stateHome);
  if (forges.length === 0) return [];
  const roots = new Set(await rootsOf(git, "HEAD", signal).catch(() => []));
  return forges.filter((forge) => forge.settings.roots.some((root) => roots.has(root)));
}

/** Whether a repository has a commit that the forge began with or its first commits. */
export async function sharesHistory(
  git: Git,
  settings: ForgeSettings,
  signal?: AbortSignal,
): Promise<boolean> {
  for (const commit of [settings.seed.sha, ...settings.roots]) {
    const args = ["cat-file", "-e", `${commit}^{commit}`];
    if ((await git.run({ args, answers: [0, 1, 128] }, signal)).exitCode === 0) return true;
  }
  return false;
}
