import { rm } from "node:fs/promises";
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
  const tell = (tip: string | null) => {
    if (divergedTip(store.read) !== tip) store.write((tx) => noteDiverged(tx, tip));
  };
  return async ({ local, remote, ask }: TargetLook, { url }: MirrorSettings): Promise<void> => {
    if (local === undefined || remote === undefined || local === remote) {
      tell(null);
      return;
    }
    await dropStaleLock(config.repositoryDir);
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

/** One attempt runs at a time, so what locks its own ref was left by a git that was killed. */
async function dropStaleLock(repositoryDir: string): Promise<void> {
  await rm(join(repositoryDir, `${fetchedRef}.lock`), { force: true });
}

async function fetchTarget(ask: Ask, url: string, target: string): Promise<void> {
  await ask([
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
}

/** Whether `whole` has all of `part`. */
async function contains(ask: Ask, whole: string, part: string): Promise<boolean> {
  const listed = await ask(["rev-list", "--max-count=1", part, `^${whole}`]);
  return listed.trim() === "";
}
