import { z } from "zod";
import type { ConflictFile } from "../git/working-copy.ts";
import { fence, newNonce } from "../text/fence.ts";
import { capForJson, itemsWithin } from "../text/json.ts";
import { fitToShow } from "../text/untrusted.ts";
import { shownName } from "./subject.ts";

const hunkBytes = 2800;
const fileBytes = 1200;

/** A rebase conflict: the files, and their conflicting parts in one fenced text. */
export const conflictShape = {
  files: z.array(z.object({ path: z.string(), kind: z.string() })).optional(),
  more_files: z.int().optional(),
  hunks: z.string().optional(),
};

export interface ConflictView {
  files: { path: string; kind: string }[];
  more_files?: number;
  hunks?: string;
}

/** The conflicting files, with hunks as `path:line` parts. Contents are untrusted, so fenced. */
export function viewConflict(
  files: readonly ConflictFile[],
  secrets: readonly string[],
  nonce: string = newNonce(),
): ConflictView {
  const views = files.map((file) => ({ path: shownName(file.path), kind: file.kind }));
  const named = itemsWithin(views, fileBytes);
  const text = files
    .flatMap((file) =>
      file.hunks.map(
        (hunk) => `${shownName(file.path)}:${hunk.line}\n${fitToShow(hunk.text, secrets)}`,
      ),
    )
    .join("\n");
  const capped = capForJson(text, hunkBytes, { rest: "read the files for the rest" });
  return {
    files: named,
    ...(files.length > named.length ? { more_files: files.length - named.length } : {}),
    ...(text === "" ? {} : { hunks: fence(capped, "conflicting parts", nonce) }),
  };
}

export function renderConflict(view: {
  files?: readonly { path: string; kind: string }[] | undefined;
  more_files?: number | undefined;
  hunks?: string | undefined;
}): string {
  const files = (view.files ?? []).map((file) => `  ${file.path} (${file.kind})`);
  if (view.more_files !== undefined) files.push(`  and ${view.more_files} more`);
  return [...files, ...(view.hunks === undefined ? [] : [view.hunks])].join("\n");
}
