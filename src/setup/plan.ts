import { sep } from "node:path";
import { isLandError, type LandError } from "../domain/errors.ts";
import { unreadableFor } from "./dialects.ts";
import { type FileRecord, type Ledger, type PartRecord, partOf } from "./ledger.ts";
import { isBlank, lookFor, type Part, partName, put, recordOf, take } from "./part.ts";
import type { Place } from "./places.ts";
import { problemWith } from "./problem.ts";
import type { Snapshot } from "./snapshot.ts";
import { applyEdits, hashOf, inverseOf, type TextEdit } from "./text-edit.ts";
import { Unfit } from "./unfit.ts";

/** What one file is to become. */
export interface FileChange {
  readonly snapshot: Snapshot;
  readonly roles: readonly Place["role"][];
  /** Undefined: the file goes. */
  readonly after: string | undefined;
  /** Folders of ours above a file that goes, outermost first; they go where they are empty. */
  readonly folders: readonly string[];
  /** Where the file stands in the way: what a person would have to add. Never written. */
  readonly byHand?: true;
}

export interface Plan {
  readonly changes: readonly FileChange[];
  readonly ledger: Ledger;
  /** What is left as it is although one might expect otherwise. */
  readonly notes: readonly string[];
  /** While there is one, nothing may be written. */
  readonly problems: readonly LandError[];
}

/** A file with all that is wanted in it. */
export interface Subject {
  readonly snapshot: Snapshot;
  readonly places: readonly Place[];
}

export interface PlanRequest {
  readonly subjects: readonly Subject[];
  readonly ledger: Ledger;
  /** Whose set-up this is: parts that several share go with the last one. */
  readonly owner: string;
}

interface Outcome {
  readonly change?: FileChange;
  readonly record?: FileRecord | undefined;
  readonly notes?: readonly string[];
  /** Whether some of it stays because others own it too. */
  readonly shared?: boolean;
}

/** What has to be done so that everything wanted is there. Pure. `replace`: take over what is foreign. */
export function planSetUp(request: PlanRequest, replace: boolean): Plan {
  const plan = planEach(request, (subject, record) =>
    setUpFile(subject, record, request.owner, replace),
  );
  return plan.problems.length === 0 ? plan : { ...plan, changes: withByHand(plan, request) };
}

/** Adds what the files that stand in the way would hold if nothing were in them. */
function withByHand(plan: Plan, { subjects, owner }: PlanRequest): readonly FileChange[] {
  const blocked = new Set(plan.problems.map(({ facts }) => facts.file));
  const wanted = subjects.filter(
    ({ snapshot }) =>
      blocked.has(snapshot.path) && plan.changes.every((change) => change.snapshot !== snapshot),
  );
  const byHand = wanted.flatMap(({ snapshot, places }): FileChange[] => {
    const empty = { ...snapshot, text: "", bytes: undefined };
    const { change } = setUpFile({ snapshot: empty, places }, undefined, owner, true);
    return change === undefined ? [] : [{ ...change, byHand: true }];
  });
  return [...plan.changes, ...byHand];
}

/** What has to be done so that nothing of an owner's is left. Pure. */
export function planUndo(request: PlanRequest): Plan {
  return planEach(request, (subject, record) => undoFile(subject, record, request.owner));
}

function planEach(
  { subjects, ledger }: PlanRequest,
  planFile: (subject: Subject, record: FileRecord | undefined) => Outcome,
): Plan {
  const files: Record<string, FileRecord> = { ...ledger.files };
  const changes: FileChange[] = [];
  const notes: string[] = [];
  const problems: LandError[] = [];
  const shared: string[] = [];
  for (const subject of subjects) {
    const { path, real, obstacle } = subject.snapshot;
    try {
      const outcome = planFile(subject, ledger.files[real]);
      notes.push(...(outcome.notes ?? []));
      if (outcome.shared === true) shared.push(path);
      if (outcome.change !== undefined) {
        changes.push(outcome.change);
        if (obstacle !== undefined) throw obstacle;
      }
      if (outcome.record === undefined) delete files[real];
      else files[real] = outcome.record;
    } catch (error) {
      problems.push(problemOf(path, error));
    }
  }
  handFoldersDown(ledger, files);
  if (shared.length > 0) notes.push(sharedNote(shared));
  return { changes, ledger: { files }, notes, problems };
}

function problemOf(path: string, error: unknown): LandError {
  if (isLandError(error)) return error;
  if (error instanceof Unfit) return unfit(path, error);
  // What reads a document calls itself for each level of it.
  if (error instanceof RangeError) return unfit(path, new Unfit("it is nested too deeply"));
  throw error;
}

/** Folders made for a file that is ours no longer are those of the files that are left in them. */
function handFoldersDown(before: Ledger, files: Record<string, FileRecord>): void {
  const folders = Object.entries(before.files).flatMap(([file, record]) =>
    files[file] === undefined ? record.folders : [],
  );
  for (const [file, record] of Object.entries(files)) {
    const above = folders.filter((folder) => file.startsWith(folder + sep));
    if (above.length === 0) continue;
    const all = [...new Set([...above, ...record.folders])];
    files[file] = { ...record, folders: all.sort((a, b) => a.length - b.length) };
  }
}

function sharedNote(files: readonly string[]): string {
  const [first = ""] = files;
  const which = files.length === 1 ? first : `${first} and ${files.length - 1} more`;
  return `${which}: stays, since other clients that are set up use it too.`;
}

function unfit(path: string, error: Unfit): LandError {
  const line = error.line === undefined ? "" : `, line ${error.line}`;
  return problemWith(
    path,
    `${error.message}${line}.`,
    "Put it in order, then run the same command again; `--print` shows what would be added.",
    error,
  );
}

function setUpFile(
  { snapshot, places }: Subject,
  record: FileRecord | undefined,
  owner: string,
  replace: boolean,
): Outcome {
  const { text, path, bytes } = snapshot;
  const notes = dialectNotes({ snapshot, places });
  const edits: TextEdit[] = [];
  let now = text;
  const parts: Record<string, PartRecord> = { ...record?.parts };
  for (const { part } of places) {
    const name = partName(part);
    const known = parts[name];
    // A file that is gone holds nothing, whatever it held.
    const held = bytes === undefined ? { state: "none" } : lookFor(part, now, known?.written);
    if (held.state === "foreign" && !replace) throw foreign(path, part);
    if (held.state === "same") {
      if (known !== undefined) parts[name] = { ...known, owners: withOwner(known, owner) };
      continue;
    }
    const made = put(part, now, known?.written);
    edits.push(...made);
    now = applyEdits(now, made);
    parts[name] = {
      kind: part.kind,
      path: "path" in part ? [...part.path] : [],
      written: recordOf(part),
      owners: withOwner(known, owner),
    };
  }
  if (edits.length === 0) return { record: withParts(record, parts), notes };
  return {
    change: { snapshot, roles: rolesOf(places), after: now, folders: [] },
    record: recordAfter(snapshot, record, edits, now, parts),
    notes,
  };
}

/**
 * Throws Unfit where the client is known to read nothing of a file as it is, so that a set-up of it
 * would do nothing; where that is only feared, answers a note.
 */
export function dialectNotes({
  snapshot: { path, text, bom },
  places,
}: Subject): readonly string[] {
  if (text.trim() === "") return [];
  const notes = places.flatMap(({ dialect }) => {
    const unreadable = dialect && unreadableFor(dialect, text, bom);
    if (unreadable === undefined) return [];
    if (dialect?.tried === true) throw new Unfit(unreadable.why, unreadable.line);
    const line = unreadable.line === undefined ? "" : ` (line ${unreadable.line})`;
    return [`${path}: ${unreadable.why}${line}.`];
  });
  return [...new Set(notes)];
}

function recordAfter(
  { text, bytes, missing }: Snapshot,
  record: FileRecord | undefined,
  edits: readonly TextEdit[],
  now: string,
  parts: Readonly<Record<string, PartRecord>>,
): FileRecord {
  const common = { after: hashOf(now), parts };
  if (bytes === undefined) return { ...common, created: true, folders: [...missing] };
  const { created = false, folders = [] } = record ?? {};
  // What we made goes as a whole, so nothing has to be remembered of how it was before.
  if (created) return { ...common, created, folders, ...sharedMark(record, text) };
  const back = inverseOf(text, edits);
  if (record === undefined) return { ...common, created, folders, inverse: [...back] };
  // Somebody else wrote since; the way back to what was before us is no longer known.
  if (hashOf(text) !== record.after || record.inverse === undefined) {
    return { ...common, created, folders };
  }
  return { ...common, created, folders, inverse: [...back, ...record.inverse] };
}

/** Whether a recorded file holds something that others wrote since we made it. */
function sharedMark(record: FileRecord | undefined, text: string): { shared?: true } {
  const isShared =
    record !== undefined && (record.shared === true || record.after !== hashOf(text));
  return isShared ? { shared: true } : {};
}

function withParts(
  record: FileRecord | undefined,
  parts: Readonly<Record<string, PartRecord>>,
): FileRecord | undefined {
  return record === undefined ? undefined : { ...record, parts: { ...parts } };
}

function withOwner(record: PartRecord | undefined, owner: string): string[] {
  return [...new Set([...(record?.owners ?? []), owner])].sort();
}

function foreign(path: string, part: Part): LandError {
  if (part.kind === "whole") {
    return problemWith(
      path,
      "a file of this name is there that `land setup` did not write, or that was changed since.",
      "Move it away, or let `--replace` take its place (`--undo` brings it back).",
    );
  }
  return problemWith(
    path,
    `\`${partName(part)}\` is there already, and \`land setup\` did not write it like this.`,
    "Rename or remove it, or let `--replace` take its place (`--undo` brings it back).",
  );
}

function rolesOf(places: readonly Place[]): Place["role"][] {
  return [...new Set(places.map(({ role }) => role))];
}

function undoFile(
  { snapshot, places }: Subject,
  record: FileRecord | undefined,
  owner: string,
): Outcome {
  if (snapshot.bytes === undefined) return {};
  const shared = sharedParts(record, owner);
  const rest = Object.keys(shared);
  const recorded = partsToTake(snapshot, places, record, owner);
  const notes = recorded.flatMap(({ note }) => note ?? []);
  const taken = recorded.filter(({ note }) => note === undefined);
  const left = record === undefined || rest.length === 0 ? undefined : { ...record, parts: shared };
  const stays = rest.length > 0;
  if (taken.length === 0) return { record: left, notes, shared: stays };
  const after = textWithout(snapshot, record, taken, rest.length === 0);
  const change: FileChange = {
    snapshot,
    roles: rolesOf(places),
    after,
    folders: after === undefined ? (record?.folders ?? []) : [],
  };
  const mark = sharedMark(record, snapshot.text);
  const kept = left === undefined ? undefined : { ...left, ...mark, after: hashOf(after ?? "") };
  if (kept !== undefined) delete kept.inverse;
  return { change, record: kept, notes, shared: stays };
}

/** The parts of a file that others own too, without this owner. */
function sharedParts(record: FileRecord | undefined, owner: string): Record<string, PartRecord> {
  const entries = Object.entries(record?.parts ?? {}).flatMap(([name, part]) => {
    const owners = part.owners.filter((one) => one !== owner);
    return owners.length === 0 ? [] : [[name, { ...part, owners }] as const];
  });
  return Object.fromEntries(entries);
}

interface Taking {
  readonly part: Part;
  readonly written: unknown;
  /** Why it stays after all. */
  readonly note?: string;
}

/** What is to go: recorded parts of this owner alone, and what is ours by its shape. */
function partsToTake(
  { text, path }: Snapshot,
  places: readonly Place[],
  record: FileRecord | undefined,
  owner: string,
): Taking[] {
  const own = Object.entries(record?.parts ?? {}).filter(
    ([, { owners }]) => owners.length === 1 && owners[0] === owner,
  );
  const takings = own.map(([name, recorded]): Taking => {
    const wanted = places.find(({ part }) => partName(part) === name)?.part;
    return { part: wanted ?? partOf(recorded), written: recorded.written };
  });
  for (const { part, role } of places) {
    if (record?.parts[partName(part)] !== undefined) continue;
    // A skill may be installed by other programs, which look after it.
    if (role !== "skill") takings.push({ part, written: undefined });
  }
  return takings.flatMap((taking): Taking[] => {
    const held = lookFor(taking.part, text, taking.written).state;
    if (held === "none" || (held === "foreign" && taking.written === undefined)) return [];
    const note = `${path}: ${partName(taking.part)} was changed since it was set up, so it stays; remove it by hand.`;
    return [held === "foreign" ? { ...taking, note } : taking];
  });
}

/** A file's text without parts of ours; undefined where the whole file goes. */
function textWithout(
  { text }: Snapshot,
  record: FileRecord | undefined,
  taken: readonly Taking[],
  all: boolean,
): string | undefined {
  const untouched = record !== undefined && all && hashOf(text) === record.after;
  if (untouched && record.created && record.shared !== true) return undefined;
  if (untouched && record.inverse !== undefined) return applyEdits(text, record.inverse);
  const after = taken.reduce(
    (now, { part, written }) => applyEdits(now, take(part, now, written)),
    text,
  );
  const parts = taken.map(({ part }) => part);
  const ours = record?.created === true || parts.some(({ kind }) => kind === "whole");
  // A file that nothing is known of goes only where we would have made it and nothing is in it.
  return all && (ours || record === undefined) && isBlank(after, parts, record?.created === true)
    ? undefined
    : after;
}
