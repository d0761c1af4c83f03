import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Canonical } from "./canonical.ts";

/** git holds a ref's lock for milliseconds; one this old was left by a git that was killed. */
const staleAfterMs = 10_000;

/** Files at the top of the repository that git makes while it writes. */
const topLocks = ["HEAD.lock", "config.lock", "packed-refs.lock", "packed-refs.new"];

/** Removes what a killed git left lying, which would block its ref for ever. */
export async function removeStaleLocks(canonical: Canonical): Promise<void> {
  const dir = canonical.config.repositoryDir;
  const files = [
    ...topLocks.map((name) => join(dir, name)),
    ...(await locksBelow(join(dir, "refs", "heads"))),
    ...(await locksBelow(join(dir, "refs", "land"))),
  ];
  for (const file of files) {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) continue;
    // One from the future was made before the clock was set back.
    if (Math.abs(canonical.clock.now().getTime() - found.mtimeMs) < staleAfterMs) continue;
    await rm(file, { force: true });
    canonical.log.warn({ file }, "removed the lock file of a git that was killed");
  }
}

async function locksBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".lock"))
    .map((entry) => join(entry.parentPath, entry.name));
}
