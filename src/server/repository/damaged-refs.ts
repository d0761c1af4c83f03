import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { branchRef, type Canonical, wordsOf } from "./canonical.ts";
import { changeRefs } from "./refs.ts";

/** Where ref files go that hold no object name, below the repository. */
const folder = "damaged-refs";

/**
 * Sets the files of damaged branch refs aside, since git takes no push to any branch while there
 * is one, and begins open branches again at the head that was recorded. The target is left without
 * a ref, for the owner to restore. Answers whether anything changed.
 */
export async function mendDamagedRefs(
  canonical: Canonical,
  damaged: ReadonlySet<string>,
): Promise<boolean> {
  let changed = false;
  for (const name of damaged) {
    try {
      await setAside(canonical, name);
      changed = true;
      canonical.log.warn({ branch: name, folder }, "a damaged ref was set aside");
      await beginAgain(canonical, name);
    } catch (error) {
      const words = wordsOf(error);
      canonical.log.warn({ branch: name, error: words }, "a damaged ref could not be mended");
    }
  }
  return changed;
}

async function setAside({ config, clock }: Canonical, name: string): Promise<void> {
  if (name.split("/").includes("..")) throw new Error("not a branch's name");
  const aside = join(config.repositoryDir, folder);
  await mkdir(aside, { recursive: true });
  const file = `${clock.now().getTime()}-${encodeURIComponent(name).slice(0, 200)}`;
  await rename(join(config.repositoryDir, branchRef(name)), join(aside, file));
}

async function beginAgain({ config, store, git }: Canonical, name: string): Promise<void> {
  const branch = store.read.branchByName(name);
  if (name === config.target || branch?.state !== "open") return;
  await changeRefs(git, [{ kind: "set", ref: branchRef(name), to: branch.head }]);
}
