import type { Context } from "hono";
import { parseId } from "../http/extract.ts";
import { HttpFault } from "../http/fault.ts";
import { eventHeaders } from "../http/headers.ts";
import type { Parts } from "../http/parts.ts";
import type { Snapshot } from "../live/snapshot-stream.ts";
import type { EventRecord } from "../store/records.ts";
import { branchBlock } from "./branch-page.tsx";
import { ciFull, nightlyBlock } from "./ci-block.tsx";
import { prefixOf } from "./place.ts";
import { branchCiView, nightlyPageView, type PageRun } from "./view.ts";

/** What a page's live block shows. */
interface Source {
  /** The fragment as it is now; undefined where there is nothing of that id. */
  readonly snapshot: () => Snapshot | undefined;
  readonly concerns: (event: EventRecord) => boolean;
  readonly missing: string;
}

/** The branch page's block: a summary, and below `/news` everything. */
export function branchStream(c: Context, parts: Parts, full: boolean): Response {
  const id = parseId(c.req.param("branch_id") ?? "");
  const prefix = prefixOf(c);
  const waits = new ShownWaits(() => branchCiView(parts, id)?.runs ?? []);
  return stream(c, parts, {
    snapshot() {
      const view = branchCiView(parts, id);
      if (view === undefined) return undefined;
      waits.note(view.runs);
      const block = full ? ciFull(view) : branchBlock(view, prefix);
      return { html: String(block), active: view.active };
    },
    concerns: (event) => event.branchId === id || waits.changedBy(event),
    missing: `branch ${id} not found`,
  });
}

export function nightlyStream(c: Context, parts: Parts): Response {
  const id = parseId(c.req.param("nightly_run_id") ?? "");
  const runs = () => {
    const view = nightlyPageView(parts, id);
    return view === undefined ? [] : [view.run];
  };
  const waits = new ShownWaits(runs);
  return stream(c, parts, {
    snapshot() {
      const view = nightlyPageView(parts, id);
      if (view === undefined) return undefined;
      waits.note([view.run]);
      return { html: String(nightlyBlock(view)), active: view.active };
    },
    concerns: (event) => event.runId === id || waits.changedBy(event),
    missing: `nightly run ${id} not found`,
  });
}

/** What happens to others and may change what a lane waits for. */
const changeWaits: ReadonlySet<string> = new Set([
  ...["queue_changed", "lane_claimed", "lane_finished", "lane_requeued"],
  ...["ci_paused", "ci_resumed", "ci_target_blocked", "ci_target_freed"],
]);

/**
 * What the waiting lanes of a block were last said to wait for. Events of others, of which there
 * may be many, concern the block only where that is no longer true.
 */
class ShownWaits {
  readonly #read: () => readonly PageRun[];
  #shown = "";

  constructor(read: () => readonly PageRun[]) {
    this.#read = read;
  }

  note(runs: readonly PageRun[]): void {
    this.#shown = waitWords(runs);
  }

  changedBy({ kind }: EventRecord): boolean {
    if (this.#shown === "" || !changeWaits.has(kind)) return false;
    return waitWords(this.#read()) !== this.#shown;
  }
}

/** Empty where no lane waits. */
function waitWords(runs: readonly PageRun[]): string {
  const waiting = runs.flatMap((run) => run.lanes).filter((lane) => lane.status === "queued");
  return waiting
    .map((lane) => [lane.id, lane.execution_reason, lane.waits_for, lane.waits_until].join(" "))
    .join("\n");
}

function stream(c: Context, parts: Parts, source: Source): Response {
  if (source.snapshot() === undefined) throw new HttpFault(404, source.missing);
  // Its body would never be read, nor given up.
  if (c.req.method === "HEAD") return new Response(null, { headers: eventHeaders });
  const opened = parts.live.openSnapshots({
    store: parts.store,
    snapshot: () => source.snapshot() ?? { html: source.missing, active: false },
    concerns: source.concerns,
  });
  if (opened === undefined) throw new HttpFault(503, "too many streams are open; close one first");
  return new Response(opened.body, {
    headers: { ...eventHeaders, "Transfer-Encoding": "chunked" },
  });
}
