/**
 * Measures what the forge itself costs per pass and per lane: a real store, real claims, no lane's
 * own process, no git and no sandbox.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimLanes } from "../src/server/ci/claim.ts";
import { openStore } from "../src/server/store/open-store.ts";
import type { LaneDefinition } from "../src/server/store/records.ts";
import type { Store } from "../src/server/store/store.ts";

const head = "a".repeat(40);

function laneOf(name: string, group: string | null): LaneDefinition {
  return {
    lane: name,
    title: name,
    entrypoint: "bench",
    command: ["true"],
    paths: [],
    inputs: [],
    env: [],
    concurrencyGroup: group,
    timeoutSeconds: null,
    targetKey: null,
  };
}

/** Queues `lanes` lanes in branches of ten; every tenth lane belongs to one group. */
function fill(store: Store, lanes: number): void {
  store.write((tx) => {
    for (let branch = 0; branch < lanes / 10; branch += 1) {
      const { id } = tx.openBranch({
        ...{ name: `b${branch}`, title: "", target: "main", head, mergeBase: null, problem: null },
      });
      tx.createRun({
        ...{ branchId: id, subject: "head", head, partial: false, rerunOf: null, reason: null },
        ...{ note: null, status: "success" },
        lanes: Array.from({ length: 10 }, (_, n) => laneOf(`l${n}`, n === 0 ? "device" : null)),
      });
    }
  });
}

function lease() {
  const now = new Date();
  return {
    now: now.toISOString(),
    expiresAt: new Date(now.getTime() + 60_000).toISOString(),
  };
}

/** One pass that claims what is free and one lane's end, over and over; the median pass in ms. */
function passes(store: Store, rounds: number): { pass: number; lane: number } {
  const times: number[] = [];
  const began = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    const { lanes: claimed } = store.write((tx) =>
      claimLanes(tx, { limit: 2, lease: lease(), workers: [] }),
    );
    times.push(performance.now() - start);
    for (const lane of claimed) {
      store.write((tx) => {
        tx.finishLane(lane.id, lane.claimToken, {
          ...{ status: "success", failureKind: null, note: null },
        });
        tx.refoldRun(lane.runId);
      });
    }
  }
  const took = performance.now() - began;
  times.sort((a, b) => a - b);
  return { pass: times[times.length >> 1] ?? Number.NaN, lane: took / (rounds * 2) };
}

/** Lines of what was measured, and in milliseconds. */
export function measureScheduler(): (readonly [string, number])[] {
  const dir = mkdtempSync(join(tmpdir(), "land-bench-store-"));
  try {
    return [100, 10_000].flatMap((lanes) => {
      const store = openStore(join(dir, `${lanes}.db`), { now: () => new Date() });
      try {
        fill(store, lanes);
        passes(store, 3);
        const { pass, lane } = passes(store, Math.min(500, lanes / 4));
        return [
          [`${lanes} lanes queued: a pass that claims two`, pass] as const,
          [`${lanes} lanes queued: the forge's own cost of one lane`, lane] as const,
        ];
      } finally {
        store.close();
      }
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  for (const [what, ms] of measureScheduler()) {
    console.log(`${what.padEnd(62)} ${ms.toFixed(2).padStart(7)} ms`);
  }
}
