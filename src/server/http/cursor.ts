import type { BranchRecord } from "../store/records.ts";
import { HttpFault } from "./fault.ts";

/** Where a list of branches goes on, as clients carry it. */
export function writeCursor(branch: BranchRecord): string {
  return Buffer.from(`${branch.updatedAt},${branch.id}`).toString("base64url");
}

/** Throws HttpFault 400 for what `writeCursor` never wrote. */
export function readCursor(text: string): { updatedAt: string; id: number } {
  const parts = /^([0-9TZ:.+-]{1,40}),(\d{1,15})$/.exec(Buffer.from(text, "base64url").toString());
  if (parts?.[1] === undefined) {
    throw new HttpFault(400, "Failed to deserialize query string: cursor: not one of ours");
  }
  return { updatedAt: parts[1], id: Number(parts[2]) };
}
