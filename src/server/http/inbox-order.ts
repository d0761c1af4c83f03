import type { Prefix } from "../../contract/paths.ts";
import type { InboxRecord } from "../store/records.ts";

/**
 * An inbox as a prefix's revision shows it. `/news`: open branches, the longest waiting first.
 * `/git`: whatever was not dismissed, what needs a review before the rest, newest first. Pure.
 */
export function inboxOrder(prefix: Prefix, rows: readonly InboxRecord[]): readonly InboxRecord[] {
  if (prefix === "/news") {
    return rows
      .filter((row) => row.branchState === "open")
      .sort((a, b) => compare(a.updatedAt, b.updatedAt) || a.branchId - b.branchId);
  }
  return [...rows].sort(
    (a, b) =>
      Number(b.needsReview) - Number(a.needsReview) ||
      compare(b.updatedAt, a.updatedAt) ||
      b.branchId - a.branchId,
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
