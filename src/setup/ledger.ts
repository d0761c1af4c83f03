import { z } from "zod";
import type { Part } from "./part.ts";
import { problemWith } from "./problem.ts";

/**
 * What `land setup` wrote, so that it knows its own parts again and can undo them byte for byte.
 * One file for all clients, in the user's state folder.
 */
export interface Ledger {
  readonly files: Readonly<Record<string, FileRecord>>;
}

const edit = z.object({
  offset: z.number().int().min(0),
  length: z.number().int().min(0),
  content: z.string(),
});

const partRecord = z.object({
  kind: z.enum(["json_member", "json_item", "toml_table", "block", "whole"]),
  path: z.array(z.string()),
  /** What was written: the value, or a text's hash. */
  written: z.unknown(),
  /** The set-ups that this part is of; it goes with the last one. */
  owners: z.array(z.string()),
});

const fileRecord = z.object({
  /** Whether the file was not there before. */
  created: z.boolean(),
  /** Folders that were made for it, outermost first. */
  folders: z.array(z.string()),
  /** The hash of the text that was written. */
  after: z.string(),
  /** Whether others had written into it too by then, so that it never goes as a whole. */
  shared: z.boolean().optional(),
  /** From that text back to the one before us; none where both are no longer known. */
  inverse: z.array(edit).optional(),
  parts: z.record(z.string(), partRecord),
});

const ledger = z.object({ version: z.literal(1), files: z.record(z.string(), fileRecord) });

export type PartRecord = z.infer<typeof partRecord>;
export type FileRecord = z.infer<typeof fileRecord>;

/** Reads the ledger's text; an empty one is an empty ledger. `file`: for the error. */
export function parseLedger(text: string, file: string): Ledger {
  if (text.trim() === "") return { files: {} };
  try {
    return ledger.parse(JSON.parse(text));
  } catch (cause) {
    throw problemWith(
      file,
      "the record of what was set up cannot be read.",
      "Move it away; what was set up is then known by its shape alone, and undone as well as that allows.",
      cause,
    );
  }
}

/** The ledger as text. */
export function ledgerText({ files }: Ledger): string {
  const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ version: 1, files: sorted }, undefined, 2)}\n`;
}

/** A recorded part as one that can be looked for and taken out. */
export function partOf({ kind, path, written }: PartRecord): Part {
  switch (kind) {
    case "block":
      return { kind, text: "" };
    case "whole":
      return { kind, text: "", mark: undefined };
    case "json_item":
      return { kind, path, value: asEntry(written), beside: {} };
    default:
      return { kind, path, value: asEntry(written) };
  }
}

function asEntry(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
