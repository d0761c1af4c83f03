import { describe, expect, it } from "vitest";
import {
  failureLabel,
  type HintFacts,
  operatorHint,
  reasonLabel,
  timingSummary,
  toneOf,
} from "../../../../src/server/http/wire-labels.ts";

const now = new Date("2026-01-01T12:00:00.000Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

describe("timing", () => {
  const summary = (created: number, started: number | null, finished: number | null) =>
    timingSummary(
      {
        createdAt: ago(created),
        startedAt: started === null ? null : ago(started),
        finishedAt: finished === null ? null : ago(finished),
      },
      now,
    );

  it.each([
    [[269, 185, 0], "queued 1m 24s · ran 3m 05s"],
    [[84, null, null], "queued 1m 24s"],
    [[10, null, 4], "queued 6s"],
    [[7, 7, null], "queued 0s · ran 7s"],
    [[3661 + 5, 3661, 0], "queued 5s · ran 1h 01m"],
    [[90_000 + 1, 90_000, 0], "queued 1s · ran 1d 01h"],
  ] as const)("of %j is %s", ([created, started, finished], words) => {
    expect(summary(created, started, finished)).toBe(words);
  });

  it("leaves out spans that run backwards", () => {
    expect(summary(5, 10, 0)).toBe("ran 10s");
    expect(summary(-5, null, 0)).toBeNull();
  });
});

describe("labels", () => {
  it("are the reference's", () => {
    expect(reasonLabel("waiting_for_capacity")).toBe("waiting for scheduler capacity");
    expect(reasonLabel("stale_recovered")).toBe("recovered from stale lease");
    expect(failureLabel("infrastructure")).toBe("infrastructure failure");
    expect(failureLabel("test_failure")).toBe("test failure");
  });
});

describe("a status's tone", () => {
  it.each([
    ["success", "success passed succeeded ready"],
    ["danger", "failed error lost timed_out timeout cancelled"],
    ["warning", "queued running pending waiting waiting_for_capacity"],
    ["warning", "blocked_by_concurrency_group needs_attention"],
    ["neutral", "skipped superseded toString constructor"],
  ])("is %s for %s", (tone, statuses) => {
    for (const status of statuses.split(" ")) expect(toneOf(status)).toBe(tone);
  });
});

describe("an operator's hint", () => {
  const lane: HintFacts = {
    status: "queued",
    reason: "queued",
    failureKind: null,
    createdAt: ago(60),
    startedAt: null,
    finishedAt: null,
    heartbeatAt: null,
    leaseExpiresAt: null,
  };
  const beat = ago(10);

  it.each<[Partial<HintFacts>, string | null]>([
    [{}, `Queued since ${ago(60)}.`],
    [
      { createdAt: ago(900) },
      `Queued too long since ${ago(900)}. Wake CI or requeue if the scheduler is wedged.`,
    ],
    [
      { reason: "blocked_by_concurrency_group" },
      "Blocked by another lane in the same concurrency group.",
    ],
    [
      { reason: "stale_recovered" },
      "Recovered after a stale lease expired. This lane is ready to be reclaimed.",
    ],
    [{ status: "running" }, "Running with no lease metadata."],
    [
      { status: "running", leaseExpiresAt: ago(-100), heartbeatAt: beat },
      `Running with lease until ${ago(-100)}. Last heartbeat ${beat}.`,
    ],
    [
      { status: "running", leaseExpiresAt: ago(1) },
      `Running with an expired lease until ${ago(1)}.`,
    ],
    [
      { status: "failed", finishedAt: ago(3), failureKind: "timeout" },
      `Failed at ${ago(3)}. Classified as timeout.`,
    ],
    [{ status: "failed" }, "Failed."],
    [{ status: "success" }, null],
    [{ status: "skipped" }, null],
  ])("for %j is %s", (change, words) => {
    expect(operatorHint({ ...lane, ...change }, now)).toBe(words);
  });
});
