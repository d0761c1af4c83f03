import { readFileSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { createPrivateFile, writePrivateFile } from "../identity/private-file.ts";
import { hostingShape } from "./hosting-settings.ts";
import type { ForgeLayout } from "./local-forge.ts";
import { mirrorShape } from "./mirror-settings.ts";

const objectId = z.string().regex(/^[0-9a-f]{40}$/);

/** `forge.json`: what `land init` found and what the owner decided. Holds lanes' values: 0600. */
export const settingsShape = z.object({
  version: z.literal(1),
  /** The repository's slug on pages and in answers. */
  repo: z.string().min(1),
  /** Short name of the branch landed on. */
  target: z.string().min(1),
  /** Git's common folder of the repository that the forge was made for. */
  commonDir: z.string().min(1),
  /** Where that repository was cloned from (`host/path`), to know other clones by. */
  origin: z.string().nullable().default(null),
  /** First commits of its history, to know other clones by. */
  roots: z.array(objectId).default([]),
  /** Chosen at the first start, then reused; 0 until then. */
  port: z.int().min(0).max(65_535).default(0),
  ...hostingShape,
  ownerNpub: z.string().startsWith("npub1"),
  agentNpub: z.string().startsWith("npub1"),
  /** What the canonical repository begins with. */
  seed: z.object({ fromRepository: z.string().min(1), sha: objectId }),
  /** `none`: the owner's recorded choice to land without a manifest. */
  ci: z.enum(["manifest", "none"]).default("manifest"),
  /** Lanes at once; null = as many as the machine has processors. */
  ciConcurrency: z.int().positive().nullable().default(null),
  laneTimeoutSeconds: z.int().positive().default(3600),
  maxLogBytes: z
    .int()
    .positive()
    .default(32 * 1024 * 1024),
  /** Whether heads that remove or change a lane of the target's manifest may land unasked. */
  allowCiChange: z.boolean().default(false),
  /** Values that lanes may ask for by name. */
  laneEnv: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** Lanes that run without the sandbox, by lane id. */
  unsandboxedLanes: z.array(z.string().min(1)).default([]),
  /** Signs calls of the forge's webhook; null: there is no webhook. */
  webhookSecret: z.string().regex(/\S/, "must not be blank").nullable().default(null),
  /** Where the target and the branches are pushed to; null: nowhere. */
  mirror: mirrorShape.nullable().default(null),
});
export type ForgeSettings = z.infer<typeof settingsShape>;

/** The settings of a forge; undefined where there is no forge. Throws where they are malformed. */
export async function readSettings(layout: ForgeLayout): Promise<ForgeSettings | undefined> {
  let text: string;
  try {
    text = await readFile(layout.settingsFile, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw malformed(layout, (error as NodeJS.ErrnoException).code ?? "it cannot be read");
  }
  return parseSettings(layout, text);
}

/** The same at once, for the forge's process, which reads them anew whenever they are needed. */
export function readSettingsNow(layout: ForgeLayout): ForgeSettings {
  return parseSettings(layout, readFileSync(layout.settingsFile, "utf8"));
}

/** The settings of a forge that must be there. */
export async function requireSettings(layout: ForgeLayout): Promise<ForgeSettings> {
  const settings = await readSettings(layout);
  if (settings !== undefined) return settings;
  throw new LandError("no_forge", `There is no local forge in ${layout.stateDir}.`, {
    state: "Nothing was changed.",
    next: "Run `land init` in the repository.",
  });
}

/** Stores the settings of a new forge. False where there is one already; then nothing is changed. */
export function createSettings(layout: ForgeLayout, settings: ForgeSettings): Promise<boolean> {
  return createPrivateFile(layout.settingsFile, textOf(settings));
}

/** Changes settings: read, change, write as a whole, one at a time. Answers the new ones. */
export async function updateSettings(
  layout: ForgeLayout,
  change: (settings: ForgeSettings) => ForgeSettings,
): Promise<ForgeSettings> {
  const lock = `${layout.settingsFile}.lock`;
  await takeLock(lock);
  try {
    const before = await requireSettings(layout);
    const after = settingsShape.safeParse(change(before));
    if (!after.success) {
      const issue = after.error.issues[0];
      throw new LandError(
        "bad_argument",
        `That setting is not possible (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}).`,
        { state: "Nothing was changed." },
      );
    }
    if (textOf(after.data) !== textOf(before)) {
      await writePrivateFile(layout.settingsFile, textOf(after.data));
    }
    return after.data;
  } finally {
    await rm(lock, { force: true });
  }
}

/** Keeps the port that the forge listens on, so that it is the same the next time. */
export async function rememberPort(layout: ForgeLayout, port: number): Promise<void> {
  await updateSettings(layout, (settings) => ({ ...settings, port }));
}

/** A lock that is older than any change can take was left behind. */
const staleLockMs = 5_000;
const lockPatienceMs = 10_000;

async function takeLock(lock: string): Promise<void> {
  const until = Date.now() + lockPatienceMs;
  while (!(await createPrivateFile(lock, ""))) {
    const age = await ageOf(lock);
    if (age !== undefined && age > staleLockMs) await rm(lock, { force: true });
    if (Date.now() > until) {
      throw new LandError("timed_out", `The settings are locked by ${lock}.`, {
        state: "Nothing was changed.",
        next: "Try again; remove that file if no other land command runs.",
      });
    }
    await sleep(20 + Math.random() * 30);
  }
}

async function ageOf(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}

function textOf(settings: ForgeSettings): string {
  return `${JSON.stringify(settings, null, 2)}\n`;
}

function parseSettings(layout: ForgeLayout, text: string): ForgeSettings {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw malformed(layout, "it is no JSON");
  }
  const read = settingsShape.safeParse(json);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw malformed(layout, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

/** The text itself stays out of the words: it holds lanes' values. */
function malformed(layout: ForgeLayout, why: string): LandError {
  return new LandError("no_forge", `${layout.settingsFile} is not usable (${why}).`, {
    state: "The forge's repository and database beside it were not touched.",
    next: "Correct the file by hand, or restore it; its state folder holds everything else.",
  });
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
