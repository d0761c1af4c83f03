/**
 * A strict double of the reference forge, made from its contract alone: it shares no line with the
 * code under test, so that a mistake of one side shows.
 *
 *     await using forge = await startReference({ revision: "head", autoCi: "success" });
 *     const sha = await forge.push("topic", { "a.txt": "a\n" });   // pushed and taken in
 *     await forge.ci("topic", (lane) => lane.laneId === "check" ? "failed" : "success");
 *     forge.faults.badGateway = 3;                                 // the next three requests
 *
 * `seed` serves `/news`, `head` serves `/git`; each exactly its own endpoints and JSON keys. The
 * target is `master`. Time stands still unless `clock.advance` moves it. A `git push` from
 * anywhere to `bare` fires the real hooks: the target is refused, other branches wake the loop by
 * the signed webhook. Keys: `admin` (config), `writer` (chat and forge write), `reader` (chat).
 * See `faults.ts` for the switches; things held by them go on at `release()`.
 */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expireTokens, newKey, upsertAllow } from "./access.ts";
import { drive, newNightly } from "./ci.ts";
import { type HandClock, handClock, offsetTime } from "./clock.ts";
import { branchById, type Core, makeCore, newestRecord, runsOf } from "./core.ts";
import type { Faults } from "./faults.ts";
import { doubleGit, installHooks, makeRepository } from "./git.ts";
import { finishTutorial, type Loop, makeLoop } from "./ingest.ts";
import { mirrorRemote } from "./mirror.ts";
import { html, type Path } from "./router.ts";
import { branchPaths } from "./routes-branch.ts";
import { nightlyPaths } from "./routes-nightly.ts";
import { pagePaths } from "./routes-pages.ts";
import { peoplePaths } from "./routes-people.ts";
import { type Door, openDoor } from "./serve.ts";
import type {
  BranchRow,
  Key,
  LaneSpec,
  NightlyRow,
  Outcomes,
  ReferenceOptions,
  Revision,
  RunnerRecord,
  RunRow,
  Seen,
  TutorialStatus,
} from "./types.ts";

export type { Faults } from "./faults.ts";
export type * from "./types.ts";
export { newKey };

export interface Reference {
  readonly revision: Revision;
  /** Origin alone, such as `http://127.0.0.1:40123`; requests go to `baseUrl + prefix + …`. */
  readonly baseUrl: string;
  readonly prefix: "/news" | "/git";
  readonly slug: string;
  readonly defaultBranch: string;
  /** Its real bare repository: push to it, fetch from it. */
  readonly bare: string;
  readonly admin: Key;
  readonly writer: Key;
  readonly reader: Key;
  readonly faults: Faults;
  readonly clock: HandClock;
  /** Every request in order of arrival, also those that were never answered. */
  readonly requests: readonly Seen[];
  /** The first request so far, or from now on, for which it holds. */
  seen(holds: (request: Seen) => boolean): Promise<Seen>;
  /** A turn of the loop: refs are read, whatever `lateIngestion` says. */
  ingest(): Promise<void>;
  /** Until no turn of the loop is under way. */
  settled(): Promise<void>;
  /** Why the last poll failed; null if it did not. */
  pollError(): string | null;
  /** Puts a commit with files (null: removed) on a branch, off `from` (default: the target) and by
   *  force, wakes the loop as a push does, and waits until it has settled. Answers the commit. */
  push(
    branch: string,
    files: Readonly<Record<string, string | null>>,
    from?: string,
  ): Promise<string>;
  /** Moves the target out of band, as its maker may: past hooks and without a webhook. */
  moveTarget(files: Readonly<Record<string, string | null>>): Promise<string>;
  /** The sha of a ref, or null. */
  tip(ref: string): Promise<string | null>;
  deleteRef(ref: string): Promise<void>;
  /** The newest record of a name or the record of an id. Throws if there is none. */
  branch(nameOrId: string | number): BranchRow;
  /** Its runs, newest first. */
  runs(nameOrId: string | number): readonly RunRow[];
  /** Ends (or claims: `running`) lanes of the branch's newest run. */
  ci(nameOrId: string | number, outcomes?: Outcomes): Promise<RunRow>;
  /** What queued lanes come to by themselves from now on; null: nothing. */
  autoCi(outcomes: Outcomes | null): void;
  /** The table new runs are made from; an error: a broken manifest. */
  lanes(table: readonly LaneSpec[] | Error): void;
  nightly(): Promise<NightlyRow>;
  nightlyCi(id: number, outcomes?: Outcomes): void;
  /** The newest version's state; `ready` makes it current and fills the inbox. */
  tutorial(nameOrId: string | number, status: TutorialStatus, error?: string): void;
  runner(id: string, record: RunnerRecord): void;
  allow(npub: string, row: { active: boolean; canForgeWrite: boolean; note?: string }): void;
  /** Makes every token expired, in the middle of whatever is going on. */
  expireTokens(): void;
  /** Lets go what `holdMerges`, `hold` and `holdMirror` hold, and holds nothing more. */
  release(): void;
  /** Resolves once something is held. */
  held(what?: "merge" | "request" | "mirror"): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startReference(options: ReferenceOptions): Promise<Reference> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "land-reference-")));
  const git = doubleGit(dir);
  const core = makeCore(options, handClock(), git);
  const keys = { admin: newKey(), writer: newKey(), reader: newKey() };
  if (options.nobody !== true) {
    core.admins.push(keys.admin.npub);
    const by = keys.admin.npub;
    const row = { active: true, note: null };
    upsertAllow(core, { ...row, npub: keys.writer.npub, canForgeWrite: true }, by);
    upsertAllow(core, { ...row, npub: keys.reader.npub, canForgeWrite: false }, by);
  }
  const secret = options.webhookSecret === undefined ? "a secret" : options.webhookSecret;
  const loop = makeLoop(core);
  const table = tableOf(core, loop, secret);
  const door = await openDoor(core, () => table);
  try {
    await makeRepository(git, core.defaultBranch, options.files ?? {});
    if (options.mirror !== undefined) {
      await git.must(["remote", "add", mirrorRemote, options.mirror]);
    }
    const url = `http://127.0.0.1:${door.port}${core.prefix}/webhook`;
    if (secret !== null) {
      await installHooks(git, { defaultBranch: core.defaultBranch, secret, url });
    }
    const stopPolls = core.clock.every((options.pollSeconds ?? 60) * 1000, () => loop.wake());
    const close = async () => {
      stopPolls();
      release(core);
      door.server.closeAllConnections();
      await new Promise((resolve) => door.server.close(resolve));
      await loop.settled();
      await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    };
    return { ...handle(core, loop, door), ...keys, [Symbol.asyncDispose]: close };
  } catch (error) {
    door.server.close();
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

function tableOf(core: Core, loop: Loop, secret: string | null): Path[] {
  const below = [
    ...peoplePaths(core, loop),
    ...branchPaths(core, loop),
    ...nightlyPaths(core, loop),
    ...pagePaths(core, loop, secret),
  ].map((path) => ({ ...path, path: core.prefix + path.path }));
  const root: Path = {
    path: "/",
    get: {
      guard: "none",
      run: () =>
        core.revision === "seed"
          ? html("feed")
          : { status: 308, headers: { location: "/git" }, body: "" },
    },
  };
  return [root, ...below];
}

function release(core: Core): void {
  core.faults.holdMerges = null;
  core.faults.hold = null;
  core.faults.holdMirror = false;
  for (const one of Object.values(core.gates)) one.release();
}

function handle(
  core: Core,
  loop: Loop,
  door: Door,
): Omit<Reference, "admin" | "writer" | "reader" | typeof Symbol.asyncDispose> {
  const { git } = core;
  const branch = (nameOrId: string | number) => {
    const found =
      typeof nameOrId === "number"
        ? branchById(core, BigInt(nameOrId))
        : newestRecord(core, nameOrId);
    if (found === undefined) throw new Error(`the double knows no branch ${nameOrId}`);
    return found;
  };
  return {
    revision: core.revision,
    baseUrl: `http://127.0.0.1:${door.port}`,
    prefix: core.prefix,
    slug: core.slug,
    defaultBranch: core.defaultBranch,
    bare: git.bare,
    faults: core.faults,
    clock: core.clock,
    requests: door.requests,
    seen: (holds) => firstSeen(door, holds),
    async ingest() {
      core.faults.lateIngestion = 0;
      await loop.wake();
    },
    settled: () => loop.settled(),
    pollError: () => core.health.error,
    ...gitHandle(core, loop),
    branch,
    runs: (nameOrId) => runsOf(core, branch(nameOrId).id),
    async ci(nameOrId, outcomes = "success") {
      const [run] = runsOf(core, branch(nameOrId).id);
      if (run === undefined) throw new Error(`branch ${nameOrId} has no run`);
      drive(core, run, outcomes);
      return run;
    },
    autoCi(outcomes) {
      core.autoCi = outcomes;
    },
    lanes(table) {
      core.lanes = table;
    },
    async nightly() {
      const head = await git.must(["rev-parse", `refs/heads/${core.defaultBranch}`]);
      return newNightly(core, { head, scheduledFor: offsetTime(core.clock.now()) });
    },
    nightlyCi(id, outcomes = "success") {
      const run = core.nightlies.find((one) => one.id === id);
      if (run === undefined) throw new Error(`the double knows no nightly ${id}`);
      drive(core, run, outcomes);
    },
    tutorial(nameOrId, status, error) {
      const { id } = branch(nameOrId);
      const version = core.tutorials.findLast(({ branchId }) => branchId === id);
      if (version === undefined) throw new Error(`branch ${nameOrId} has no tutorial`);
      version.status = status;
      version.error = error ?? null;
      if (status === "ready") finishTutorial(core, version);
    },
    runner(id, record) {
      core.runners.set(id, record);
    },
    allow(npub, row) {
      upsertAllow(core, { note: null, ...row, npub }, "the test");
    },
    expireTokens: () => expireTokens(core),
    release: () => release(core),
    held: (what = "merge") => core.gates[what].arrived(),
  };
}

function gitHandle(
  core: Core,
  loop: Loop,
): Pick<Reference, "push" | "moveTarget" | "tip" | "deleteRef"> {
  const { git, defaultBranch } = core;
  const target = `refs/heads/${defaultBranch}`;
  return {
    async push(name, files, from = target) {
      const ref = `refs/heads/${name}`;
      const sha = await git.commit({ ref, parent: from, files, subject: `Change ${name}` });
      if (core.options.webhookSecret !== null) await loop.wake();
      await loop.settled();
      return sha;
    },
    async moveTarget(files) {
      const subject = `Move ${defaultBranch}`;
      return git.commit({ ref: target, parent: target, files, subject });
    },
    async tip(ref) {
      const asked = await git.ask(["rev-parse", "--verify", "--quiet", ref]);
      return asked.code === 0 ? asked.stdout.trim() : null;
    },
    async deleteRef(ref) {
      await git.must(["update-ref", "-d", ref]);
    },
  };
}

function firstSeen(door: Door, holds: (request: Seen) => boolean): Promise<Seen> {
  const past = door.requests.find(holds);
  if (past !== undefined) return Promise.resolve(past);
  return new Promise((resolve) => {
    const look = (request: Seen) => {
      if (!holds(request)) return;
      door.events.off("request", look);
      resolve(request);
    };
    door.events.on("request", look);
  });
}
