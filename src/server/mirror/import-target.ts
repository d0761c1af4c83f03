import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MirrorSettings, ServerConfig } from "../config.ts";
import { divergedTip, divergedWords, noteDiverged } from "../repository/diverged.ts";
import type { CanonicalRepository } from "../repository/repository.ts";
import type { Store } from "../store/store.ts";
import type { Ask, TargetLook } from "./attempt.ts";
import { MirrorFailure } from "./failure.ts";

export interface ImportParts {
  readonly config: ServerConfig;
  readonly store: Store;
  readonly repository: Pick<CanonicalRepository, "importTarget">;
}

/** Keeps what was fetched, out of everybody's sight. */
const fetchedRef = "refs/land/mirror/target";

/**
 * Takes over what people merged at the mirror where that is a fast-forward. Where both sides have
 * commits of their own, landing stops until one of the two ways out was gone; where it is over,
 * landing goes on. Throws MirrorFailure.
 */
export function importerOf(parts: ImportParts) {
  const { config, store, repository } = parts;
  return async ({ local, remote, ask }: TargetLook, { url }: MirrorSettings): Promise<void> => {
    const tell = (tip: string | null) => {
      if (divergedTip({ store, config }) === tip) return;
      store.write((tx) => noteDiverged(tx, tip === null ? null : { tip, url }));
    };
    if (local === undefined || remote === undefined || local === remote) {
      tell(null);
      return;
    }
    await dropLeftovers(config.repositoryDir);
    await fetchTarget(ask, url, config.target);
    if (await contains(ask, local, remote)) {
      tell(null);
      return;
    }
    if (!(await contains(ask, remote, local))) {
      tell(remote);
      throw new MirrorFailure("diverged", divergedWords(config.target, remote));
    }
    if (!(await repository.importTarget({ from: local, to: remote }))) {
      throw new MirrorFailure("transient", "The target moved while it was imported.");
    }
    tell(null);
  };
}

/** A pack that is being written is younger. */
const abandonedMs = 10 * 60_000;

/**
 * What a fetch that was killed left. One attempt runs at a time, so its own ref is locked by nobody;
 * packs are written by others too, such as a `git gc` by hand, but never that slowly.
 */
async function dropLeftovers(repositoryDir: string): Promise<void> {
  await rm(join(repositoryDir, `${fetchedRef}.lock`), { force: true });
  const packs = join(repositoryDir, "objects", "pack");
  for (const name of await readdir(packs).catch(() => [])) {
    if (!name.startsWith("tmp_")) continue;
    const age = Date.now() - (await stat(join(packs, name))).mtimeMs;
    if (age > abandonedMs) await rm(join(packs, name), { force: true });
  }
}

async function fetchTarget(ask: Ask, url: string, target: string): Promise<void> {
  const { stderr } = await ask([
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--no-write-fetch-head",
    "--refmap=",
    "--",
    url,
    `+refs/heads/${target}:${fetchedRef}`,
  ]);
  // Git says so and calls it a success.
  if (!/shallow roots are not allowed/.test(stderr)) return;
  throw new MirrorFailure(
    "config",
    "The mirror is a shallow repository: it lacks the history below its target, so nothing can be " +
      "taken over from it. `git fetch --unshallow` there completes it.",
  );
}

/** Whether `whole` has all of `part`. */
async function contains(ask: Ask, whole: string, part: string): Promise<boolean> {
  const { stdout } = await ask(["rev-list", "--max-count=1", part, `^${whole}`]);
  return stdout.trim() === "";
}
