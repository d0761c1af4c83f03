import type { ServerResponse } from "node:http";
import { type Core, isActive, runsOf } from "./core.ts";
import type { Answer } from "./router.ts";
import type { BranchRow, NightlyRow, RunRow } from "./types.ts";

export const escaped = (value: string) =>
  value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

interface Snapshot {
  readonly html: string;
  readonly active: boolean;
}

const busy = (run: RunRow) =>
  isActive(run.status) || run.lanes.some(({ status }) => isActive(status));

const lanesOf = (run: RunRow) =>
  run.lanes
    .map((lane) => `<li data-lane="${lane.id}">${escaped(lane.laneId)} ${lane.status}</li>`)
    .join("");

const runBlock = (run: RunRow) =>
  `<section><h3>run #${run.id} ${run.status} ${run.head.slice(0, 12)}</h3><ul>${lanesOf(run)}</ul></section>`;

/** What a branch's stream shows: everything, or at the later revision a summary of the newest run. */
export function branchSnapshot(core: Core, branch: BranchRow, full: boolean): Snapshot {
  const runs = runsOf(core, branch.id);
  const active = runs.some(busy);
  const shown = full ? runs : runs.slice(0, 1);
  const inner = shown.map(runBlock).join("");
  return { html: `<div data-branch-ci-active="${active}">${inner}</div>`, active };
}

export function nightlySnapshot(run: NightlyRow): Snapshot {
  const active = busy(run);
  return { html: `<div data-nightly-active="${active}">${runBlock(run)}</div>`, active };
}

const keepAliveMs = 15_000;

/** A stream that begins with the present and ends with the first snapshot that is not active. */
export function ciStream(
  core: Core,
  kind: "branch" | "nightly",
  id: number,
  snapshot: () => Snapshot,
): Answer {
  const headers = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  const stream = (response: ServerResponse) => {
    response.flushHeaders();
    if (core.faults.streams === "hang") return;
    const stop = () => {
      core.changes.off(kind, onChange);
      stopKeepAlive();
    };
    const send = () => {
      const { html, active } = snapshot();
      response.write(`event: ci-update\ndata: ${JSON.stringify({ html })}\n\n`);
      if (core.faults.streams === "drop") {
        stop();
        setImmediate(() => response.destroy());
      } else if (!active) {
        stop();
        response.end();
      }
    };
    const onChange = (changed: number) => {
      if (changed === id) send();
    };
    const stopKeepAlive = core.clock.every(keepAliveMs, () => {
      response.write(": keep-alive\n\n");
    });
    core.changes.on(kind, onChange);
    response.once("close", stop);
    send();
  };
  return { status: 200, headers, body: "", stream };
}
