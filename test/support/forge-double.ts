import type { Lane, Run } from "../../src/domain/checks.ts";
import { LandError } from "../../src/domain/errors.ts";
import type { LaneStatus } from "../../src/domain/status.ts";
import { runStatusOf } from "../../src/domain/status.ts";
import type {
  BranchRef,
  Capabilities,
  Forge,
  ForgeBranch,
  LandingAnswer,
  LandingRequest,
} from "../../src/forges/forge.ts";
import type { Wakes } from "../../src/landing/wakes.ts";
import type { Scene } from "./worktrees.ts";

type Method = "capabilities" | "branch" | "ensureChange" | "requestLanding" | "log";
type Happening = () => Promise<void> | void;

/**
 * A forge without HTTP, CI or a process of its own, over a scene's real bare repository, for races
 * that a real one only meets by chance. As strict as the contract: it lands only the named head,
 * of an open branch, with a green run for it, that contains the target's tip.
 */
export class ForgeDouble implements Forge {
  readonly name = "double";
  readonly origin = "http://127.0.0.1:0";
  readonly #scene: Scene;
  readonly #before = new Map<Method, Happening[]>();
  readonly #after = new Map<Method, Happening[]>();
  readonly #runs = new Map<string, Run>();
  #records: ForgeBranch[] = [];
  /** What CI answers about a head; asked when a head is first seen. */
  ci: (head: string) => LaneStatus = () => "success";
  logText = "one\ntwo\nError: it broke\n";
  /** False: it looks at its refs only when it is told to. */
  looksByItself = true;
  rule: Capabilities["landingRule"] = "up_to_date";
  head: Capabilities["head"] = "pinned";
  /** What it merged, in order. */
  readonly landed: { readonly id: string; readonly head: string }[] = [];
  readonly requests: LandingRequest[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Something happens right before the next call of a method that has nothing planned yet. */
  before(method: Method, ...happenings: readonly Happening[]): void {
    this.#before.set(method, [...(this.#before.get(method) ?? []), ...happenings]);
  }

  /** Something happens after the method did its work and before its answer gets through. */
  after(method: Method, ...happenings: readonly Happening[]): void {
    this.#after.set(method, [...(this.#after.get(method) ?? []), ...happenings]);
  }

  /** Sets what CI says of a head from now on. */
  judge(head: string, status: LaneStatus, failureKind?: Lane["failureKind"]): void {
    this.#runs.set(head, runOf(head, status, failureKind));
  }

  capabilities(): Promise<Capabilities> {
    return this.#call("capabilities", async () => ({
      changes: "events",
      head: this.head,
      landingRule: this.rule,
      changeRequestNeeded: false,
      recovery: [],
      target: "main",
      version: undefined,
    }));
  }

  branch(ref: BranchRef): Promise<ForgeBranch | undefined> {
    return this.#call("branch", async () => {
      if (this.looksByItself) await this.ingest();
      const record = this.#records.findLast((known) =>
        "id" in ref ? known.id === ref.id : known.name === ref.name,
      );
      return record === undefined ? undefined : { ...record, runs: this.#runsOf(record.head) };
    });
  }

  ensureChange(): Promise<void> {
    return this.#call("ensureChange", () => this.ingest());
  }

  async checks(_id: string, head: string): Promise<readonly Run[]> {
    return this.#runsOf(head);
  }

  requestLanding(request: LandingRequest): Promise<LandingAnswer> {
    this.requests.push(request);
    return this.#call("requestLanding", () => this.#land(request));
  }

  /** What a queue, or somebody else, does on its own. */
  async landNow(name: string): Promise<void> {
    const record = this.#records.findLast((known) => known.name === name);
    if (record === undefined) throw new Error(`no branch ${name}`);
    await this.#merge(record);
  }

  async closeBranch(name: string): Promise<void> {
    await this.#git("update-ref", "-d", `refs/heads/${name}`);
    await this.ingest();
  }

  log() {
    return this.#call("log", async () => ({
      run: "1",
      lane: "unit",
      laneRun: "1",
      status: "failed",
      text: this.logText,
      offset: 0,
      totalBytes: this.logText.length,
    }));
  }

  url = (id: string) => `${this.origin}/git/branch/${id}`;
  identity = unused;
  branches = unused;
  close = unused;
  queue = unused;
  recover = unused;
  describe = unused;
  // biome-ignore lint/correctness/useYield: it has nothing to tell; tests wake by hand.
  async *watch(): AsyncGenerator<never> {
    throw new Error("not used");
  }

  async ingest(): Promise<void> {
    const refs = await this.#refs();
    for (const [name, head] of refs) {
      const open = this.#records.findLast((r) => r.name === name && r.state === "open");
      if (open === undefined) this.#records.push(newRecord(this.#records.length + 1, name, head));
      else if (open.head !== head) this.#change(open.id, { head });
      if (!this.#runs.has(head)) this.judge(head, this.ci(head));
    }
    for (const record of this.#records) {
      if (record.state === "open" && !refs.has(record.name)) {
        this.#change(record.id, { state: "closed" });
      }
    }
  }

  async #land(request: LandingRequest): Promise<LandingAnswer> {
    await this.ingest();
    const record = this.#records.find((known) => known.id === request.branchId);
    if (record?.state !== "open") throw new LandError("branch_not_open", "It is not open.");
    if (record.head !== request.head) throw new LandError("head_moved", "It is at another head.");
    if (this.rule === "queue") return { state: "queued", entry: record.id };
    if (this.#runs.get(record.head)?.status !== "success") {
      throw new LandError("ci_not_green", "CI is not green.");
    }
    const contains = await this.#git("merge-base", "--is-ancestor", "refs/heads/main", record.head)
      .then(() => true)
      .catch(() => false);
    if (!contains) throw new LandError("target_moved", "The target moved.");
    return { state: "merged", mergeCommit: await this.#merge(record) };
  }

  async #merge(record: ForgeBranch): Promise<string> {
    const main = await this.#git("rev-parse", "refs/heads/main");
    const tree = await this.#git("merge-tree", "--write-tree", main, record.head);
    const merge = await this.#git(
      ...["commit-tree", tree, "-p", main, "-p", record.head, "-m", "Merge"],
    );
    await this.#git("update-ref", "refs/heads/main", merge, main);
    await this.#git("update-ref", "-d", `refs/heads/${record.name}`, record.head);
    this.#change(record.id, { state: "merged", mergeCommit: merge });
    this.landed.push({ id: record.id, head: record.head });
    return merge;
  }

  #change(id: string, change: Partial<ForgeBranch>): void {
    this.#records = this.#records.map((r) => (r.id === id ? { ...r, ...change } : r));
  }

  #runsOf(head: string): readonly Run[] {
    const run = this.#runs.get(head);
    return run === undefined ? [] : [run];
  }

  async #refs(): Promise<Map<string, string>> {
    const said = await this.#git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads");
    const lines = said.split("\n").map((line) => line.split(" "));
    const refs = lines.map(
      ([head, ref]) => [(ref ?? "").slice("refs/heads/".length), head ?? ""] as const,
    );
    return new Map(refs.filter(([name]) => name !== "main"));
  }

  #git(...args: string[]): Promise<string> {
    return this.#scene.git(this.#scene.forge, ...args);
  }

  async #call<T>(method: Method, work: () => Promise<T>): Promise<T> {
    await this.#before.get(method)?.shift()?.();
    const answer = await work();
    await this.#after.get(method)?.shift()?.();
    return answer;
  }
}

/** Wakes and time in the test's hand: each wait runs the next happening and passes at once. */
export class HandClock {
  #now = 0;
  readonly happenings: Happening[] = [];
  waits = 0;

  now(): number {
    return this.#now;
  }

  subscribe = (): Wakes => ({
    next: async (signal, timeoutMs) => {
      signal.throwIfAborted();
      this.waits += 1;
      const happening = this.happenings.shift();
      this.#now += happening === undefined ? timeoutMs : 1;
      await happening?.();
      signal.throwIfAborted();
      return happening === undefined ? "timeout" : "event";
    },
    close: () => {},
  });
}

/** The connection is cut. */
export function cut(): never {
  throw new LandError("forge_unreachable", "The forge cannot be reached.");
}

function unused(): never {
  throw new Error("not used");
}

function newRecord(id: number, name: string, head: string): ForgeBranch {
  return {
    id: String(id),
    name,
    title: name,
    state: "open",
    target: "main",
    head,
    mergeCommit: undefined,
    updatedAt: "2026-01-01T00:00:00.000Z",
    runs: [],
    problem: undefined,
  };
}

function runOf(
  head: string,
  status: LaneStatus,
  failureKind: Lane["failureKind"] = "test_failure",
): Run {
  const lane: Lane = {
    id: "1",
    lane: "unit",
    title: "Unit",
    status,
    reason: undefined,
    failureKind: status === "failed" ? failureKind : undefined,
    queuedAt: "2026-01-01T00:00:00.000Z",
    startedAt: undefined,
    finishedAt: undefined,
  };
  return {
    id: `run-${head.slice(0, 6)}`,
    head,
    status: runStatusOf([status]),
    reason: undefined,
    note: undefined,
    partial: false,
    lanes: [lane],
    isolation: undefined,
  };
}
