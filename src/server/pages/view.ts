import { tutorialRequest } from "../../contract/branch.ts";
import { branchView, runsShown } from "../http/branch-routes.ts";
import type { Parts } from "../http/parts.ts";
import type { BranchView } from "../http/wire-branch.ts";
import { type LaneView, laneOnWire, type RunView, runOnWire } from "../http/wire-lane.ts";

const endedShown = 50;
const openShown = 200;

export interface FeedView {
  readonly repo: string;
  readonly target: string;
  readonly frozen: string | null;
  readonly open: readonly BranchView[];
  readonly ended: readonly BranchView[];
}

export interface BranchPageView {
  readonly branch: BranchView;
  readonly runs: readonly (RunView & { readonly lanes: readonly LaneView[] })[];
  readonly tutorial: TutorialView | undefined;
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

export function feedView(parts: Parts): FeedView {
  const { read } = parts.store;
  const branches = (state: "open" | "merged" | "closed", limit: number) =>
    read.branches({ state, limit }).map((branch) => branchView(parts, branch));
  const ended = [...branches("merged", endedShown), ...branches("closed", endedShown)];
  return {
    repo: parts.config.repo,
    target: parts.config.target,
    frozen: parts.repository.frozen(),
    open: branches("open", openShown),
    ended: ended.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1)).slice(0, endedShown),
  };
}

export function branchPageView(parts: Parts, id: number): BranchPageView | undefined {
  const { read } = parts.store;
  const branch = read.branch(id);
  if (branch === undefined) return undefined;
  const now = parts.clock.now();
  const runs = runsShown(read, branch).map((run) => {
    const lanes = read
      .lanesOfRun(run.id)
      .map((lane) => laneOnWire(lane, { bytes: 0, text: null }, now));
    return { ...runOnWire(run, lanes, now), lanes };
  });
  return { branch: branchView(parts, branch), runs, tutorial: tutorialView(parts, id) };
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
