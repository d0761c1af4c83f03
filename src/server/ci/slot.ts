import { randomUUID } from "node:crypto";
import { chmod, copyFile, lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Git } from "../../git/git.ts";
import { absoluteFolders } from "../../process/search-path.ts";
import { homeName } from "./lane-environment.ts";
import { emptyFolderBelow, removeTree } from "./remove-tree.ts";

/**
 * One workspace of the pool. The forge checks out with a repository of its own beside the tree
 * (`git`), whose configuration, index and objects no lane can write under the sandbox; the lane
 * gets another one inside the tree, made anew each time, to do with as it likes. So nothing that a
 * lane leaves behind is run by the forge or found by the next lane.
 */
export interface SlotPlaces {
  readonly dir: string;
  readonly tree: string;
  readonly git: string;
  /** The lane's own folders for temporary files: what it sees as /tmp, and as /var/tmp. */
  readonly tmp: string;
  readonly varTmp: string;
  /** Says which claim of which lane has this slot. Beside it, so that it outlives its contents. */
  readonly mark: string;
}

export interface SlotSource {
  /** The canonical repository's objects. */
  readonly objectsDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Marks a slot that is on its way out; a crash may leave such ones. */
export const goneSuffix = ".gone-";

const checkoutTimeoutMs = 600_000;

export function slotPlaces(dir: string): SlotPlaces {
  return {
    dir,
    tree: join(dir, "tree"),
    git: join(dir, "git"),
    tmp: join(dir, "temporary", "tmp"),
    varTmp: join(dir, "temporary", "var-tmp"),
    mark: `${dir}.lane`,
  };
}

/** Makes an empty slot, in the place of whatever is there. */
export async function makeSlot(slot: SlotPlaces, source: SlotSource, head: string): Promise<void> {
  await discardSlot(slot);
  await mkdir(slot.tree, { recursive: true });
  await makeTemporary(slot);
  await writeRepository(slot.git, source.objectsDir, head);
}

/** Checks `head` out and gives the tree a repository of its own. The slot must be clean. */
export async function fillSlot(
  slot: SlotPlaces,
  source: SlotSource,
  head: string,
  signal: AbortSignal,
): Promise<void> {
  await slotGit(slot, source, ["checkout", "-q", "-f", "--detach", head], signal);
  const inside = join(slot.tree, ".git");
  await writeRepository(inside, source.objectsDir, head);
  await writeFile(join(inside, "HEAD"), `${head}\n`);
  await copyFile(join(slot.git, "index"), join(inside, "index"));
}

/**
 * Takes away what a lane left. Throws where the slot cannot be trusted to be clean afterwards; it
 * must then be made anew.
 */
export async function cleanSlot(slot: SlotPlaces, source: SlotSource): Promise<void> {
  if (!(await lstat(slot.tree)).isDirectory()) throw new Error(`${slot.tree} is not a folder`);
  await removeTree(join(slot.tree, ".git"));
  await removeTree(dirname(slot.tmp));
  await makeTemporary(slot);
  await rm(join(slot.git, "index.lock"), { force: true });
  await rm(join(slot.git, "HEAD.lock"), { force: true });
  await removeTree(join(slot.git, "hooks"));
  await removeTree(join(slot.git, "info"));
  const listed = await slotGit(slot, source, ["ls-files", "-z", "--stage"]);
  for (const path of submodulesIn(listed)) {
    await emptyFolderBelow(slot.tree, path);
  }
  await slotGit(slot, source, ["clean", "-q", "-ffdx"]);
}

/** Takes a slot out of the pool at once, and removes it. */
export async function discardSlot(slot: SlotPlaces): Promise<void> {
  const away = `${slot.dir}${goneSuffix}${randomUUID()}`;
  try {
    await rename(slot.dir, away);
  } catch {
    await removeTree(slot.dir);
    return;
  }
  await removeTree(away);
}

async function makeTemporary(slot: SlotPlaces): Promise<void> {
  for (const dir of [slot.tmp, slot.varTmp]) {
    await mkdir(dir, { recursive: true });
    await chmod(dir, 0o1777);
  }
  await mkdir(join(slot.tmp, homeName), { recursive: true, mode: 0o700 });
}

/** Paths of submodules, which `clean` never looks into, from `ls-files --stage -z`. */
export function submodulesIn(listed: string): string[] {
  return listed
    .split("\0")
    .filter((entry) => entry.startsWith("160000 "))
    .map((entry) => entry.slice(entry.indexOf("\t") + 1));
}

async function slotGit(
  slot: SlotPlaces,
  source: SlotSource,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const git = new Git({ dir: slot.tree, env: source.env });
  const safe = ["safe.directory=*", "core.hooksPath=/dev/null", "core.fsmonitor=false"];
  const answer = await git.run(
    {
      args: [
        `--git-dir=${slot.git}`,
        `--work-tree=${slot.tree}`,
        ...safe.flatMap((setting) => ["-c", setting]),
        ...args,
      ],
      // The user's own settings (line endings, filters, hooks) must not change what is tested.
      env: {
        GIT_CONFIG_GLOBAL: "/dev/null",
        // It runs among the branch's files, which must not be taken for git or its helpers.
        PATH: absoluteFolders(source.env.PATH).join(":"),
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_ATTR_NOSYSTEM: "1",
        GIT_LFS_SKIP_SMUDGE: "1",
      },
      timeoutMs: checkoutTimeoutMs,
    },
    signal,
  );
  return answer.stdout;
}

/** A repository without commits of its own that borrows the canonical one's objects. */
async function writeRepository(dir: string, objectsDir: string, head: string): Promise<void> {
  await Promise.all([
    mkdir(join(dir, "objects", "info"), { recursive: true }),
    mkdir(join(dir, "objects", "pack"), { recursive: true }),
    mkdir(join(dir, "refs", "heads"), { recursive: true }),
    mkdir(join(dir, "refs", "tags"), { recursive: true }),
  ]);
  const sha256 = head.length === 64;
  const config = [
    "[core]",
    `\trepositoryformatversion = ${sha256 ? 1 : 0}`,
    "\tfilemode = true",
    "\tbare = false",
    "\tlogallrefupdates = false",
    ...(sha256 ? ["[extensions]", "\tobjectformat = sha256"] : []),
    "[gc]",
    "\tauto = 0",
    "",
  ];
  await Promise.all([
    writeFile(join(dir, "HEAD"), "ref: refs/heads/none\n"),
    writeFile(join(dir, "config"), config.join("\n")),
    writeFile(join(dir, "objects", "info", "alternates"), `${objectsDir}\n`),
    copyFile(join(dirname(objectsDir), "shallow"), join(dir, "shallow")).catch(() => undefined),
  ]);
}
