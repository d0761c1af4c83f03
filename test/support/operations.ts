import type { Lane, Run } from "../../src/domain/checks.ts";
import { LandError } from "../../src/domain/errors.ts";
import type {
  BranchLine,
  Capabilities,
  Forge,
  ForgeBranch,
  LandingRequest,
  QueueView,
  RecoveryRequest,
  ReviewTutorial,
} from "../../src/forges/forge.ts";
import type { WorkingCopy, WorkingState } from "../../src/git/working-copy.ts";
import type { OperationContext } from "../../src/operations/operation.ts";
import type { Worktree } from "../../src/operations/worktree.ts";

export const sha = (digit: string) => digit.repeat(40);

export function aLane(change: Partial<Lane> = {}): Lane {
  return {
    id: "61",
    lane: "unit",
    title: "Unit tests",
    status: "success",
    reason: undefined,
    failureKind: undefined,
    queuedAt: "2026-11-20T10:00:00.000Z",
    startedAt: undefined,
    finishedAt: undefined,
    ...change,
  };
}

export function aRun(change: Partial<Run> = {}): Run {
  return {
    id: "24",
    head: sha("a"),
    status: "success",
    reason: undefined,
    note: undefined,
    partial: false,
    lanes: [aLane()],
    isolation: "bwrap",
    ...change,
  };
}

export function aBranch(change: Partial<ForgeBranch> = {}): ForgeBranch {
  return {
    id: "20",
    name: "feature/x",
    title: "Add x",
    state: "open",
    target: "main",
    head: sha("a"),
    mergeCommit: undefined,
    updatedAt: "2026-11-20T10:00:00.000Z",
    runs: [aRun()],
    problem: undefined,
    ...change,
  };
}

/** What a forge in memory holds and what it was asked. */
export interface MemoryForge extends Forge {
  readonly asked: {
    landings: LandingRequest[];
    closed: unknown[];
    recovered: RecoveryRequest[];
    described: ReviewTutorial[];
    pages: unknown[];
  };
}

export interface MemoryForgeOptions {
  readonly branches?: readonly ForgeBranch[];
  readonly lines?: readonly BranchLine[];
  readonly capabilities?: Partial<Capabilities>;
  /** Bytes of each lane run's log. */
  readonly logs?: Readonly<Record<string, string>>;
  readonly queue?: QueueView;
  /** How a landing is answered; throw to refuse. */
  readonly landing?: (request: LandingRequest) => string;
}

/** A forge in memory, for what an operation makes of a forge's answers. */
export function memoryForge(options: MemoryForgeOptions = {}): MemoryForge {
  const asked: MemoryForge["asked"] = {
    landings: [],
    closed: [],
    recovered: [],
    described: [],
    pages: [],
  };
  const branches = options.branches ?? [aBranch()];
  return {
    asked,
    name: "local",
    origin: "http://127.0.0.1:1",
    capabilities: async () => ({
      changes: "events",
      head: "pinned",
      landingRule: "up_to_date",
      changeRequestNeeded: false,
      recovery: ["rerun_lane", "rerun_suite", "requeue", "fail", "cancel", "recover", "wake"],
      target: "main",
      version: "0.1.0",
      ...options.capabilities,
    }),
    identity: async () => ({ npub: "npub1x", admin: false, canLand: true }),
    async branches(filter) {
      asked.pages.push(filter);
      const lines = options.lines ?? [];
      const from = Number(filter.cursor ?? 0);
      const to = from + (filter.limit ?? 20);
      return {
        items: lines.slice(from, to),
        next: to < lines.length ? String(to) : undefined,
      };
    },
    branch: async (ref) =>
      branches.findLast((one) => ("id" in ref ? one.id === ref.id : one.name === ref.name)),
    ensureChange: async () => {},
    checks: async () => branches[0]?.runs ?? [],
    async *watch(_cursor, signal) {
      yield { cursor: "1", kind: "hello", branchId: undefined };
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    },
    async log(request) {
      const found = branches
        .flatMap((branch) => branch.runs.flatMap((run) => run.lanes.map((lane) => ({ run, lane }))))
        .find(({ lane }) => lane.id === request.laneRun);
      const bytes = Buffer.from(options.logs?.[request.laneRun ?? ""] ?? "");
      if (found === undefined) throw new LandError("not_found", "no such lane run");
      const offset = request.offset ?? Math.max(0, bytes.length - request.maxBytes);
      return {
        run: found.run.id,
        lane: found.lane.lane,
        laneRun: found.lane.id,
        status: found.lane.status,
        text: bytes.subarray(offset, offset + request.maxBytes).toString("utf8"),
        offset: Math.min(offset, bytes.length),
        totalBytes: bytes.length,
      };
    },
    async requestLanding(request) {
      asked.landings.push(request);
      return { state: "merged", mergeCommit: options.landing?.(request) ?? sha("e") };
    },
    async close(request) {
      asked.closed.push(request);
    },
    queue: async () =>
      options.queue ?? { running: 0, waiting: 0, limit: 2, lanes: [], frozen: undefined },
    async recover(request) {
      asked.recovered.push(request);
      return "Done.";
    },
    async describe(tutorial) {
      asked.described.push(tutorial);
    },
    url: (id) => `http://127.0.0.1:1/git/branch/${id}`,
  };
}

export interface MemoryCopyOptions {
  readonly state?: Partial<WorkingState>;
  /** Tips of local branches. */
  readonly tips?: Readonly<Record<string, string>>;
}

/** A work tree of which only what is seen matters; whatever would change it is an error. */
export function memoryWorktree(
  forge: Forge,
  options: MemoryCopyOptions & { owner?: Forge; secrets?: readonly string[] } = {},
): Worktree {
  const state: WorkingState = {
    branch: "feature/x",
    head: sha("a"),
    tracked: [],
    trackedCount: 0,
    untracked: [],
    untrackedCount: 0,
    operation: undefined,
    conflicts: [],
    ...options.state,
  };
  const tips = options.tips ?? { "feature/x": sha("a") };
  const copy: Partial<WorkingCopy> = {
    path: "/repo",
    gitDir: "/repo/.git",
    commonDir: "/repo/.git",
    state: async () => state,
    branch: async () => state.branch,
    localTip: async (branch) => tips[branch],
    fetch: async () => ({ before: sha("b"), after: sha("e") }),
    isAncestor: async () => true,
  };
  return {
    path: "/repo",
    copy: copy as WorkingCopy,
    remote: "forge",
    forge: async () => forge,
    async forgeAsOwner() {
      if (options.owner === undefined) throw new LandError("forbidden", "no owner's key here");
      return options.owner;
    },
    secrets: () => options.secrets ?? [],
  };
}

/** A context on one work tree. `questions` collects what a person was asked. */
export function contextOn(
  worktree: Worktree,
  consent: Awaited<ReturnType<OperationContext["confirm"]>> = "no_way",
): OperationContext & { readonly questions: { message: string; expected: string }[] } {
  const questions: { message: string; expected: string }[] = [];
  return {
    questions,
    worktree: async () => worktree,
    signal: new AbortController().signal,
    progress: () => {},
    waitSeconds: 5,
    async confirm(question) {
      questions.push(question);
      return consent;
    },
  };
}
