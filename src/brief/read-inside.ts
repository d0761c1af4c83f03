import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";

/** What came of reading a file that must lie below a folder. */
export type Inside =
  | { readonly kind: "text"; readonly text: string; readonly isWhole: boolean }
  | { readonly kind: "missing" }
  | { readonly kind: "refused"; readonly why: string };

/**
 * Reads at most `maxBytes` of a regular file below a folder, links followed only where they stay
 * inside. Never waits for a pipe or device to be written, and never throws.
 */
export async function readInside(folder: string, path: string, maxBytes: number): Promise<Inside> {
  try {
    const top = await realpath(folder);
    const real = await realpath(join(folder, path));
    if (!real.startsWith(top.endsWith(sep) ? top : top + sep)) {
      return { kind: "refused", why: "it is a link that leads out of the work tree" };
    }
    const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      if (!(await file.stat()).isFile()) return { kind: "refused", why: "it is no regular file" };
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
      const bytes = buffer.subarray(0, Math.min(bytesRead, maxBytes));
      if (bytes.includes(0)) return { kind: "refused", why: "it is binary" };
      return { kind: "text", text: bytes.toString("utf8"), isWhole: bytesRead <= maxBytes };
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    return { kind: "refused", why: `it cannot be read (${code ?? message})` };
  }
}
