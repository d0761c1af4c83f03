import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { removeTree } from "./remove-tree.ts";

/** What is to be in a folder, by name: a file's text, a file of any contents (null), a folder. */
export interface Folder {
  readonly [name: string]: string | null | Folder;
}

/** Removals after which others get their turn. */
const removalsAtOnce = 8;

/**
 * Brings about a folder that holds these things and nothing else, whatever a lane left in its
 * place. What is as it should be stays, since a filesystem is quick to look and slow to make and
 * remove. Files with further names elsewhere are replaced, never written to.
 */
export async function settleFolder(dir: string, wanted: Folder): Promise<void> {
  const stat = lstatSync(dir, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) {
    if (stat !== undefined) await removeTree(dir);
    mkdirSync(dir, { recursive: true });
  } else if ((stat.mode & 0o700) !== 0o700) {
    chmodSync(dir, 0o700);
  }
  const surplus = readdirSync(dir).filter((name) => !Object.hasOwn(wanted, name));
  for (const [index, name] of surplus.entries()) {
    await removeTree(join(dir, name));
    if (index % removalsAtOnce === removalsAtOnce - 1) await setImmediate();
  }
  for (const [name, thing] of Object.entries(wanted)) {
    const path = join(dir, name);
    if (thing === null || typeof thing === "string") await settleFile(path, thing);
    else await settleFolder(path, thing);
  }
}

/** As `settleFolder`, for one file; null: of any contents. */
export async function settleFile(path: string, text: string | null): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const plain = stat?.isFile() === true && stat.nlink === 1 && (stat.mode & 0o600) === 0o600;
  if (!plain) {
    if (stat !== undefined) await removeTree(path);
    writeFileSync(path, text ?? "", { flag: "wx" });
    return;
  }
  if (text === null) return;
  const same = stat.size === Buffer.byteLength(text) && readFileSync(path, "utf8") === text;
  if (!same) writeInPlace(path, text);
}

/** Writes over a file that is there. Emptied first, some filesystems would take it to the disk. */
export function writeInPlace(path: string, text: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    writeFileSync(file, text);
    const length = Buffer.byteLength(text);
    if (fstatSync(file).size !== length) ftruncateSync(file, length);
  } finally {
    closeSync(file);
  }
}
