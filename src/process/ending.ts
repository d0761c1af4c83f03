import { setTimeout as wait } from "node:timers/promises";
import { type Identity, isStillThere, statOf } from "./identity.ts";
import { signalGroup } from "./run.ts";
import { findTagged, type Tag, type TaggedProcess } from "./tagged.ts";

/** Something that was started, with all that it may have started itself. */
export interface ProcessTree {
  readonly identity: Identity;
  /** In the environment of all of them. */
  readonly tag: Tag;
  /**
   * Whether the first process and its child are a sandbox that ends at once when asked politely,
   * and so would take the program's own chance to end in order.
   */
  readonly sandboxed: boolean;
  readonly ended: Promise<unknown>;
}

const afterKillMs = 5000;
/** How often it is looked whether what cannot be ended is gone. */
const lingerLookMs = 1000;

/**
 * Asks a whole tree to end, and ends it after `graceMs` (0: at once). Resolves once nothing of it
 * is left, or after a few seconds of trying. Answers how many are still there: of what the system
 * cannot end, such as a process that waits inside the kernel for a disk.
 */
export async function endTree(tree: ProcessTree, graceMs: number): Promise<number> {
  if (graceMs > 0 && (await ask(tree))) {
    const impatience = new AbortController();
    const patience = wait(graceMs, undefined, { signal: impatience.signal }).catch(() => undefined);
    await Promise.race([tree.ended, patience]);
    impatience.abort();
  }
  signalGroup(tree.identity.pid, "SIGKILL");
  const [left] = await Promise.all([
    endTagged(tree.tag),
    Promise.race([tree.ended, wait(afterKillMs, undefined, { ref: false })]),
  ]);
  return left.length;
}

/** Kills all tagged processes, and answers which were still there after a few seconds of trying. */
export async function endTagged(tag: Tag): Promise<readonly TaggedProcess[]> {
  const giveUpAt = performance.now() + afterKillMs;
  for (;;) {
    const left = await killTagged(tag);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
    await wait(5);
  }
}

/** Resolves once neither a tagged process is left nor this one, however long that takes. */
export async function untilNoneLeft(tag: Tag, last?: Identity): Promise<void> {
  const isLeft = async () =>
    (await killTagged(tag)).length > 0 || (last !== undefined && isStillThere(last));
  while (await isLeft()) await wait(lingerLookMs, undefined, { ref: false });
}

/** Waits a few seconds at most for a process that is about to end. False: it is still there. */
export async function untilGone(identity: Identity): Promise<boolean> {
  const giveUpAt = performance.now() + afterKillMs;
  while (isStillThere(identity)) {
    if (performance.now() > giveUpAt) return false;
    await wait(1);
  }
  return true;
}

/**
 * Kills the process group of a process that an earlier run of this program started, if that very
 * process is still there. A pid that now belongs to somebody else is left alone.
 */
export function killOrphan(identity: Identity): boolean {
  return isStillThere(identity) && signalGroup(identity.pid, "SIGKILL");
}

async function ask(tree: ProcessTree): Promise<boolean> {
  const root = tree.identity.pid;
  const isSandbox = (one: TaggedProcess) => one.pid === root || one.parent === root;
  const inside = (await findTagged(tree.tag)).filter((one) => !(tree.sandboxed && isSandbox(one)));
  for (const one of inside) signal(one.pid, "SIGTERM");
  if (tree.sandboxed) return inside.length > 0;
  return signalGroup(root, "SIGTERM") || inside.length > 0;
}

/**
 * Kills tagged processes, with the groups they are in: one that cleared its environment may be there
 * too. Answers what it found.
 */
async function killTagged(tag: Tag): Promise<readonly TaggedProcess[]> {
  const own = statOf(process.pid)?.group;
  const found = await findTagged(tag);
  for (const group of new Set(found.map((one) => one.group))) {
    if (group > 1 && group !== own) signalGroup(group, "SIGKILL");
  }
  for (const one of found) signal(one.pid, "SIGKILL");
  return found;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone meanwhile, which is what was wanted.
  }
}
