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
import { branchCiView, nightlyPageView } from "./view.ts";

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
  return stream(c, parts, {
    snapshot() {
      const view = branchCiView(parts, id);
      if (view === undefined) return undefined;
      const block = full ? ciFull(view) : branchBlock(view, prefix);
      return { html: String(block), active: view.active };
    },
    concerns: (event) => event.branchId === id,
    missing: `branch ${id} not found`,
  });
}

export function nightlyStream(c: Context, parts: Parts): Response {
  const id = parseId(c.req.param("nightly_run_id") ?? "");
  return stream(c, parts, {
    snapshot() {
      const view = nightlyPageView(parts, id);
      return view && { html: String(nightlyBlock(view)), active: view.active };
    },
    concerns: (event) => event.runId === id,
    missing: `nightly run ${id} not found`,
  });
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
