import { tutorialRequest } from "../../contract/branch.ts";
import { isActive, type RunStatus } from "../../domain/status.ts";
import { branchView, runsShown } from "../http/branch-routes.ts";
import { waitsOf } from "../http/lane-waits.ts";
import { nightlyLine, requireNightly } from "../http/nightly-routes.ts";
import type { Parts } from "../http/parts.ts";
import type { BranchView } from "../http/wire-branch.ts";
import { type LaneView, laneOnWire, type RunView, runOnWire } from "../http/wire-lane.ts";
import { type NightlyLine, nightlyFacts } from "../http/wire-nightly.ts";

/** A run with its lanes; logs are not shown on pages, so they are not read either. */
export type PageRun = RunView & { readonly lanes: readonly LaneView[] };

/** A branch's CI as the pages show it. */
export interface BranchCiView {
  readonly branch: BranchView;
  readonly runs: readonly PageRun[];
  /** Whether any of it may still change by itself. */
  readonly active: boolean;
}

export interface BranchPageView {
  readonly ci: BranchCiView;
  readonly tutorial: TutorialView | undefined;
}

export interface NightlyPageView {
  readonly nightly: NightlyLine;
  readonly run: PageRun;
  readonly active: boolean;
}

/** A review tutorial without its evidence, which quotes the diff. */
export interface TutorialView {
  readonly head: string;
  readonly summary: string;
  readonly steps: readonly {
    readonly title: string;
    readonly intent: string;
    readonly files: readonly string[];
    readonly body: string;
  }[];
}

export function branchCiView(parts: Parts, id: number): BranchCiView | undefined {
  const { read } = parts.store;
  const branch = read.branch(id);
  if (branch === undefined) return undefined;
  const runs = runsShown(read, branch).map((run) => pageRun(parts, run));
  return { branch: branchView(parts, branch), runs, active: runs.some(mayChange) };
}

export function branchPageView(parts: Parts, id: number): BranchPageView | undefined {
  const ci = branchCiView(parts, id);
  return ci === undefined ? undefined : { ci, tutorial: tutorialView(parts, id) };
}

export function nightlyPageView(parts: Parts, id: number): NightlyPageView | undefined {
  const { read } = parts.store;
  if (read.nightly(id) === undefined) return undefined;
  const { nightly, run: record } = requireNightly(read, id);
  const run = pageRun(parts, record);
  const facts = nightlyFacts(parts.config.repo, nightly, record);
  return { nightly: { ...facts, lane_count: run.lanes.length }, run, active: mayChange(run) };
}

/** The newest nightlies before one, for a list. */
export function nightlyLines(parts: Parts, limit: number, before: string | undefined) {
  return parts.store.read
    .nightlies({ limit, before })
    .map((nightly) => nightlyLine(parts, nightly));
}

function pageRun(parts: Parts, run: Parameters<typeof runOnWire>[0]): PageRun {
  const now = parts.clock.now();
  const records = parts.store.read.lanesOfRun(run.id);
  const waits = waitsOf(parts, records);
  const noLog = { bytes: 0, text: null };
  const lanes = records.map((lane) => laneOnWire(lane, noLog, now, waits.get(lane.id)));
  return { ...runOnWire(run, lanes, now), lanes };
}

function mayChange(run: PageRun): boolean {
  return isActive(run.status as RunStatus);
}

function tutorialView({ store }: Parts, branchId: number): TutorialView | undefined {
  const record = store.read.tutorial(branchId);
  if (record === undefined) return undefined;
  const document = tutorialRequest
    .omit({ head_sha: true })
    .safeParse(JSON.parse(record.document)).data;
  if (document === undefined) return undefined;
  return {
    head: record.head,
    summary: document.executive_summary,
    steps: document.steps.map((step) => ({
      title: step.title,
      intent: step.intent,
      files: step.affected_files,
      body: step.body_markdown,
    })),
  };
}
