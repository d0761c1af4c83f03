import { describe, expect, it } from "vitest";
import { failuresToOpen, healthAfter, targetState } from "../../../../src/server/ci/health.ts";
import type { LaneOutcome } from "../../../../src/server/ci/lane-result.ts";
import type { TargetHealthRecord } from "../../../../src/server/store/records.ts";

const time = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
const lane = { id: 1, claimToken: 1, targetKey: "linux" };
const outcome = (failureKind: LaneOutcome["failureKind"]): LaneOutcome => ({
  status: failureKind === null ? "success" : "failed",
  failureKind,
  note: "no route to the machine",
});

function ending(
  kinds: readonly LaneOutcome["failureKind"][],
  before?: TargetHealthRecord,
): TargetHealthRecord | undefined {
  return kinds.reduce<TargetHealthRecord | undefined>(
    (health, kind, n) => healthAfter(health, lane, outcome(kind), time(n).toISOString()),
    before,
  );
}

const opened = ending(Array(failuresToOpen).fill("infrastructure"));
if (opened === undefined) throw new Error("it was never taken out");
const onTrial: TargetHealthRecord = { ...opened, trialLane: 1, trialToken: 1 };

describe("a CI target", () => {
  it("is kept back after infrastructure failures in a row, with since, why and until", () => {
    expect(targetState(ending(["infrastructure", "infrastructure"]), time(9), [])).toEqual({
      kind: "well",
    });
    expect(opened).toMatchObject({
      ...{ failures: 3, since: time(0).toISOString(), why: "no route to the machine" },
      ...{ openedAt: time(2).toISOString(), backoffMs: 30_000 },
    });
    const until = time(32).toISOString();
    expect(targetState(opened, time(31), [])).toEqual({ kind: "open", until });
    expect(targetState(opened, time(32), [])).toEqual({ kind: "due" });
  });

  it.each([null, "test_failure"] as const)(
    "does well after a lane with its own result: %s",
    (kind) => {
      expect(ending([kind], opened)).toBeUndefined();
      expect(ending(["infrastructure", kind, "infrastructure"])).toMatchObject({ failures: 1 });
    },
  );

  it.each(["timeout", "cancelled", "superseded", "lost"] as const)(
    "is neither better nor worse for a lane that ended as %s",
    (kind) => {
      expect(ending([kind])).toBeUndefined();
      expect(ending([kind], opened)).toEqual(opened);
    },
  );

  it("is tried by one lane; each failed trial doubles the wait, up to half an hour", () => {
    expect(targetState(onTrial, time(99), [lane])).toEqual({ kind: "trial", laneRun: 1 });
    const waits: number[] = [];
    let health: TargetHealthRecord = onTrial;
    for (let n = 0; n < 8; n += 1) {
      const next = ending([n % 2 === 0 ? "infrastructure" : "timeout"], health);
      if (next === undefined) throw new Error("it was put back");
      expect(next).toMatchObject({ trialLane: null, trialToken: null });
      waits.push(next.backoffMs / 1000);
      health = { ...next, trialLane: 1, trialToken: 1 };
    }
    expect(waits).toEqual([60, 120, 240, 480, 960, 1800, 1800, 1800]);
  });

  it("is tried anew where the trial ended without saying anything of it", () => {
    expect(ending(["cancelled"], onTrial)).toMatchObject({ trialLane: null });
    // Taken from its worker: the claim that was the trial runs no more.
    expect(targetState(onTrial, time(99), [])).toEqual({ kind: "due" });
    expect(targetState(onTrial, time(99), [{ id: 1, claimToken: 3 }])).toEqual({ kind: "due" });
  });

  it("is not worse for a lane that was claimed before it was taken out", () => {
    const late = { ...lane, id: 2 };
    const health = healthAfter(onTrial, late, outcome("infrastructure"), time(9).toISOString());
    expect(health).toMatchObject({ openedAt: opened.openedAt, backoffMs: 30_000, trialLane: 1 });
  });

  it("is tried where the clock was set back behind its failures", () => {
    expect(targetState(opened, time(-86_400), [])).toEqual({ kind: "due" });
  });
});
