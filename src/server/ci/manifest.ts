import { parse, TomlError } from "smol-toml";
import type { LaneDefinition } from "../store/records.ts";
import { GlobError, parseGlob } from "./glob.ts";
import type { LaneKey } from "./manifest-keys.ts";
import { type LaneTable, lineOfLane, lineOfTopKey } from "./manifest-lines.ts";

/** What a repository says of its CI. */
export interface Manifest {
  /** `HH:MM`, UTC. */
  readonly nightlyScheduleUtc: string;
  readonly branchLanes: readonly LaneDefinition[];
  readonly nightlyLanes: readonly LaneDefinition[];
}

export type ManifestAnswer =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly line: number | null; readonly message: string };

/** More than this is not a list of lanes anybody wrote. In bytes. */
const maxManifestBytes = 256 * 1024;
const maxLanes = 200;
const maxGlobs = 1000;
const maxIdLength = 120;
const maxTimeoutSeconds = 7 * 24 * 3600;
const stagedProgram = "./scripts/pikaci-staged-linux-remote.sh";

/** A mistake in the manifest: what it is and where. */
class Mistake extends Error {
  readonly line: number | null;

  constructor(message: string, line: number | null) {
    super(message);
    this.line = line;
  }
}

/** One lane's table as it is read: its values, its name in messages, and where mistakes are. */
interface LaneSource {
  readonly table: Readonly<Record<string, unknown>>;
  readonly name: string;
  fail(message: string, key?: LaneKey): never;
}

/** What is wrong with a manifest of so many bytes; undefined where that is not too much to read. */
export function tooLong(bytes: number): string | undefined {
  if (bytes <= maxManifestBytes) return undefined;
  return `it has ${bytes} bytes; the most that is read is ${maxManifestBytes}`;
}

/** Reads a manifest. Anything wrong with it is an answer, with its line where that is known. */
export function parseManifest(text: string): ManifestAnswer {
  try {
    return { ok: true, manifest: readManifest(text, parseToml(text)) };
  } catch (error) {
    if (error instanceof Mistake) return { ok: false, line: error.line, message: error.message };
    throw error;
  }
}

function parseToml(text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text, { maxDepth: 50 });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [words] = error.message.split("\n");
    throw new Mistake(`the TOML cannot be read: ${words}`, error.line);
  }
}

function readManifest(text: string, root: Readonly<Record<string, unknown>>): Manifest {
  const failAt = (key: string, message: string): never => {
    throw new Mistake(message, lineOfTopKey(text, key));
  };
  if (root.version === undefined) failAt("version", "`version = 1` is missing");
  if (root.version !== 1) {
    failAt("version", `unsupported manifest version ${shown(root.version)}; this forge reads 1`);
  }
  const schedule = root.nightly_schedule_utc;
  if (schedule === undefined) {
    failAt("nightly_schedule_utc", '`nightly_schedule_utc = "HH:MM"` is missing');
  }
  if (typeof schedule !== "string" || !/^([01][0-9]|2[0-3]):[0-5][0-9]$/.test(schedule)) {
    return failAt(
      "nightly_schedule_utc",
      `nightly_schedule_utc must be "HH:MM", not ${shown(schedule)}`,
    );
  }
  const branchLanes = readLanes(text, root, "branch");
  const nightlyLanes = readLanes(text, root, "nightly");
  return { nightlyScheduleUtc: schedule, branchLanes, nightlyLanes };
}

function readLanes(
  text: string,
  root: Readonly<Record<string, unknown>>,
  list: "branch" | "nightly",
): LaneDefinition[] {
  const parent = root[list];
  if (parent === undefined) return [];
  if (!isTable(parent)) throw new Mistake(`\`${list}\` must be a table`, lineOfTopKey(text, list));
  const lanes = parent.lanes;
  if (lanes === undefined) return [];
  const first = lineOfLane(text, { list, index: 0 });
  if (!Array.isArray(lanes)) throw new Mistake(`\`${list}.lanes\` must be tables`, first);
  if (lanes.length > maxLanes) throw new Mistake(`more than ${maxLanes} ${list} lanes`, first);
  const taken = new Set<string>();
  let globs = 0;
  return lanes.map((table: unknown, index) => {
    const source = laneSource(text, { list, index }, table);
    const lane = readLane(source);
    if (taken.has(lane.lane)) source.fail(`another ${list} lane has the id \`${lane.lane}\``, "id");
    taken.add(lane.lane);
    globs += lane.paths.length + lane.inputs.length;
    if (globs > maxGlobs) source.fail(`the ${list} lanes have more than ${maxGlobs} globs`);
    return lane;
  });
}

function laneSource(text: string, place: LaneTable, table: unknown): LaneSource {
  const name = nameOfLane(place, table);
  if (!isTable(table)) throw new Mistake(`${name} must be a table`, lineOfLane(text, place));
  return {
    table,
    name,
    fail(message, key) {
      throw new Mistake(`${name}: ${message}`, lineOfLane(text, place, key));
    },
  };
}

/** What a lane's table is called in messages: by its id, else by its place. */
export function nameOfLane(place: LaneTable, table: unknown): string {
  const id = isTable(table) && typeof table.id === "string" ? table.id.trim() : "";
  const byPlace = `${place.list} lane ${place.index + 1}`;
  return id === "" ? byPlace : `lane \`${id.slice(0, maxIdLength)}\``;
}

function readLane(source: LaneSource): LaneDefinition {
  const lane = text(source, "id", undefined).trim();
  if (lane === "") source.fail("the id must not be empty", "id");
  if (lane.length > maxIdLength) source.fail(`the id is over ${maxIdLength} characters`, "id");
  if (/\p{Cc}/u.test(lane)) source.fail("the id holds control characters", "id");
  const title = text(source, "title", undefined);
  const target = text(source, "staged_linux_target", "").trim() || null;
  const group = text(source, "concurrency_group", "").trim() || null;
  return {
    lane,
    title,
    entrypoint: readEntrypoint(source, target),
    command: readCommand(source, target),
    paths: globs(source, "paths"),
    inputs: globs(source, "inputs"),
    env: readEnv(source),
    concurrencyGroup: group ?? (target === null ? null : `staged-linux:${target}`),
    timeoutSeconds: readTimeout(source),
    targetKey: target,
  };
}

function readEntrypoint(source: LaneSource, target: string | null): string {
  const entrypoint = text(source, "entrypoint", "");
  if (entrypoint.trim() !== "") return entrypoint;
  if (target === null) source.fail("the entrypoint must not be empty", "entrypoint");
  return `${stagedProgram} run ${target}`;
}

function readCommand(source: LaneSource, target: string | null): readonly string[] {
  const command = texts(source, "command");
  if (target !== null) return [stagedProgram, "run", target];
  const [program] = command;
  if (program === undefined) return source.fail("the command must not be empty", "command");
  if (program.trim() === "") source.fail("the command's program must not be blank", "command");
  if (command.some((word) => word.includes("\0"))) {
    source.fail("the command holds a NUL character", "command");
  }
  return command;
}

function readEnv(source: LaneSource): readonly string[] {
  const names = texts(source, "env");
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      source.fail(`env: ${shown(name)} is not the name of a variable`, "env");
    }
    if (name.startsWith("FORGE_")) {
      source.fail(`env: names that begin with FORGE_ belong to the forge (${name})`, "env");
    }
  }
  return names;
}

function readTimeout(source: LaneSource): number | null {
  const seconds = source.table.timeout_seconds;
  if (seconds === undefined) return null;
  if (!Number.isInteger(seconds) || Number(seconds) < 1 || Number(seconds) > maxTimeoutSeconds) {
    source.fail(
      `timeout_seconds must be a whole number from 1 to ${maxTimeoutSeconds}, not ${shown(seconds)}`,
      "timeout_seconds",
    );
  }
  return Number(seconds);
}

function globs(source: LaneSource, key: LaneKey): readonly string[] {
  const patterns = texts(source, key);
  for (const pattern of patterns) {
    try {
      parseGlob(pattern);
    } catch (error) {
      if (!(error instanceof GlobError)) throw error;
      source.fail(`${key}: the glob ${shown(pattern)} cannot be read: ${error.message}`, key);
    }
  }
  return patterns;
}

function texts(source: LaneSource, key: LaneKey): readonly string[] {
  const value = source.table[key];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    return source.fail(`${key} must be an array of strings`, key);
  }
  return value;
}

function text(source: LaneSource, key: LaneKey, fallback: string | undefined): string {
  const value = source.table[key] ?? fallback;
  if (value === undefined) return source.fail(`\`${key}\` is missing`);
  if (typeof value !== "string") return source.fail(`${key} must be a string`, key);
  return value;
}

/** Whether a value of a manifest is a table. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value for a message; it comes from a branch, so it is short and on one line. */
function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
