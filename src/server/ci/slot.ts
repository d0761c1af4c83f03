import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync } from "node:fs";
import { copyFile, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Git } from "../../git/git.ts";
import { absoluteFolders } from "../../process/search-path.ts";
import { homeName } from "./lane-environment.ts";
import { emptyFolderBelow, removeFile, removeTree } from "./remove-tree.ts";
import { type Folder, settleFile, settleFolder } from "./settle-folder.ts";

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
  mkdirSync(slot.tree, { recursive: true });
  await settleTemporary(slot);
  await settleFolder(slot.git, {
    ...borrowing(source),
    ...factsOf(source, head, "ref: refs/heads/none"),
  });
  await settleFolder(join(slot.tree, ".git"), { ...borrowing(source), ...emptied });
}

/** Checks `head` out and gives the tree a repository of its own. The slot must be clean. */
export async function fillSlot(
  slot: SlotPlaces,
  source: SlotSource,
  head: string,
  signal: AbortSignal,
): Promise<void> {
  filledWith.delete(slot.dir);
  await slotGit(slot, source, ["checkout", "-q", "-f", "--detach", head], signal);
  const inside = join(slot.tree, ".git");
  for (const [name, text] of Object.entries(factsOf(source, head, head))) {
    await settleFile(join(inside, name), text);
  }
  await copyFile(join(slot.git, "index"), join(inside, "index"));
  filledWith.set(slot.dir, head);
}

/**
 * Takes away what a lane left. Throws where the slot cannot be trusted to be clean afterwards; it
 * must then be made anew.
 */
export async function cleanSlot(slot: SlotPlaces, source: SlotSource): Promise<void> {
  if (!lstatSync(slot.tree).isDirectory()) throw new Error(`${slot.tree} is not a folder`);
  await settleFolder(join(slot.tree, ".git"), { ...borrowing(source), ...emptied });
  await settleTemporary(slot);
  for (const lock of ["index.lock", "HEAD.lock"]) removeFile(join(slot.git, lock));
  await removeTree(join(slot.git, "hooks"));
  await removeTree(join(slot.git, "info"));
  for (const path of await submodulesOf(slot, source)) {
    await emptyFolderBelow(slot.tree, path);
  }
  await slotGit(slot, source, ["clean", "-q", "-ffdx"]);
}

/** Takes a slot out of the pool at once, and removes it. */
export async function discardSlot(slot: SlotPlaces): Promise<void> {
  filledWith.delete(slot.dir);
  const away = `${slot.dir}${goneSuffix}${randomUUID()}`;
  try {
    await rename(slot.dir, away);
  } catch {
    await removeTree(slot.dir);
    return;
  }
  await removeTree(away);
}

async function settleTemporary(slot: SlotPlaces): Promise<void> {
  await settleFolder(dirname(slot.tmp), {
    [basename(slot.tmp)]: { [homeName]: {} },
    [basename(slot.varTmp)]: {},
  });
  chmodSync(join(slot.tmp, homeName), 0o700);
  for (const dir of [slot.tmp, slot.varTmp]) chmodSync(dir, 0o1777);
}

/** What each slot holds that was filled to the end, by its folder. */
const filledWith = new Map<string, string>();
/** Submodules by head; of most heads several lanes run. */
const submodulesByHead = new Map<string, readonly string[]>();
const headsRemembered = 500;

async function submodulesOf(slot: SlotPlaces, source: SlotSource): Promise<readonly string[]> {
  const head = filledWith.get(slot.dir);
  const known = head === undefined ? undefined : submodulesByHead.get(head);
  if (known !== undefined) return known;
  const found = submodulesIn(await slotGit(slot, source, ["ls-files", "-z", "--stage"]));
  if (submodulesByHead.size >= headsRemembered) submodulesByHead.clear();
  if (head !== undefined) submodulesByHead.set(head, found);
  return found;
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

/** A repository without objects and refs of its own that borrows the canonical one's objects. */
function borrowing(source: SlotSource): Folder {
  return {
    // Git makes the empty ones where it needs them; scripts and other programs rely on them.
    objects: { info: { alternates: `${source.objectsDir}\n` }, pack: {} },
    refs: { heads: {}, tags: {} },
  };
}

/** What may stay of a lane's repository besides: files that are filled anew for the next lane. */
const emptied: Folder = { HEAD: null, config: null, index: null };

/** The files of a repository that say what is in it. */
function factsOf({ objectsDir }: SlotSource, head: string, at: string): Record<string, string> {
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
  const shallow = join(dirname(objectsDir), "shallow");
  return {
    HEAD: `${at}\n`,
    config: config.join("\n"),
    ...(existsSync(shallow) ? { shallow: readFileSync(shallow, "utf8") } : {}),
  };
}
