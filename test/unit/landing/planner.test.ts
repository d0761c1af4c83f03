import fc from "fast-check";
import { expect, test } from "vitest";
import type { LandingOptions } from "../../../src/landing/ends.ts";
import { type Facts, freshTally, type Tally } from "../../../src/landing/facts.ts";
import { maxRebases, nextStep } from "../../../src/landing/planner.ts";
import { planFrom } from "../../../src/landing/simulate.ts";

/** The first value more often than the others, so that steps deep in the planner are reached. */
function mostly<T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}
const commit = mostly("a", "b", "c").map((sign) => sign.repeat(40));
const perhaps = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined, freq: 4 });
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const facts: fc.Arbitrary<Facts> = fc.record({
  branch: perhaps(mostly("x", "main", "-y")),
  target: fc.constant("main"),
  rule: mostly("up_to_date", "queue"),
  checkedOut: mostly(true, false),
  head: perhaps(commit),
  obstacle: seldom(
    fc.constant({ code: "uncommitted_changes" as const, why: "Unsaved.", next: "Commit." }),
  ),
  conflict: seldom(fc.constant([])),
  remote: perhaps(
    fc.record({
      targetTip: perhaps(commit),
      tip: perhaps(commit),
      standing: mostly("ahead", "behind", "contained", "unrelated"),
      overwrite: mostly("nothing", "creates", "adds", "replaces_ours", "drops_foreign"),
      verified: perhaps(fc.record({ commit, inTarget: fc.boolean() })),
    }),
  ),
  record: perhaps(
    fc.record({
      id: fc.constantFrom("1", "2"),
      state: mostly("open", "merged", "closed"),
      head: commit,
      mergeCommit: perhaps(commit),
      problem: seldom(fc.constant("no common ancestor")),
      verdict: mostly("green", "failed", "pending", "none", "superseded"),
      note: fc.constant(undefined),
    }),
  ),
});

const tally: fc.Arbitrary<Tally> = fc.record({
  acts: fc.nat(250),
  rebases: fc.nat(maxRebases + 2),
  verifications: fc.nat(5),
  head: perhaps(commit),
  openRecord: perhaps(fc.constantFrom("1", "2")),
  requested: perhaps(commit),
  queued: seldom(commit),
  refusal: seldom(
    fc.record({
      code: fc.constantFrom("target_moved", "ci_changed", "merge_conflict", "head_moved"),
      why: fc.constant("no"),
      next: fc.constant(undefined),
      head: commit,
      targetTip: perhaps(commit),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  ),
  timeLeftMs: fc.integer({ min: -1000, max: 60_000 }),
  underWay: fc.boolean(),
});

const options: fc.Arbitrary<LandingOptions> = fc.record({
  branch: fc.constant(undefined),
  target: perhaps(mostly("main", "dev")),
  dryRun: fc.constant(false),
  maxSeconds: fc.constant(60),
  merge: mostly(true, false),
});

const runs = { numRuns: 5000 };

test("these facts lead to each kind of step and of ending", () => {
  const reached = new Set<string>();
  const sample = fc.sample(fc.tuple(facts, tally, options), { numRuns: 20_000, seed: 1 });
  for (const [seen, counts, asked] of sample) {
    const step = nextStep(seen, counts, asked);
    reached.add(step.do === "end" ? step.ending.state : step.do);
  }
  expect([...reached].toSorted()).toEqual(
    [
      ...["fetch", "rebase", "push", "wait", "request_landing", "verify"],
      ...["landed", "waiting", "green", "conflict", "ci_failed", "refused", "closed"],
    ].toSorted(),
  );
});

test("a landing is only ever asked for a head that is pushed, known, open and, without a queue, green", () => {
  fc.assert(
    fc.property(facts, tally, options, (seen, counts, asked) => {
      const step = nextStep(seen, counts, asked);
      if (step.do !== "request_landing") return;
      expect(asked.merge).toBe(true);
      expect(seen.remote?.overwrite).toBe("nothing");
      expect(seen.record).toMatchObject({ state: "open", head: step.head, id: step.id });
      expect(step.head).toBe(seen.head);
      if (counts.head !== undefined) expect(step.head).toBe(counts.head);
      if (seen.rule === "queue") return;
      expect(seen.record?.verdict).toBe("green");
      expect(seen.remote?.standing).toBe("ahead");
    }),
    runs,
  );
});

test("nothing is pushed to the target, over foreign work, or without the lease last seen", () => {
  fc.assert(
    fc.property(facts, tally, options, (seen, counts, asked) => {
      const step = nextStep(seen, counts, asked);
      if (step.do !== "push") return;
      expect(seen.branch).not.toBe(seen.target);
      expect(seen.checkedOut).toBe(true);
      expect(["creates", "adds", "replaces_ours"]).toContain(seen.remote?.overwrite);
      expect(step.lease).toBe(seen.remote?.tip);
      expect(step.head).toBe(seen.head);
    }),
    runs,
  );
});

test("a work tree is only rebased when nothing stands in the way", () => {
  fc.assert(
    fc.property(facts, tally, options, (seen, counts, asked) => {
      const step = nextStep(seen, counts, asked);
      if (step.do !== "rebase") return;
      expect(seen).toMatchObject({ checkedOut: true, obstacle: undefined, conflict: undefined });
      expect(step.onto).toBe(seen.remote?.targetTip);
      expect(counts.rebases).toBeLessThan(maxRebases);
    }),
    runs,
  );
});

test("landed is only said of a merge that was found on the remote", () => {
  fc.assert(
    fc.property(facts, tally, options, (seen, counts, asked) => {
      const step = nextStep(seen, counts, asked);
      if (step.do !== "end" || step.ending.state !== "landed") return;
      const proof = seen.remote?.verified?.inTarget === true;
      expect(proof || seen.remote?.standing === "contained").toBe(true);
    }),
    runs,
  );
});

test("every ending that is not the wished one says what to do next", () => {
  fc.assert(
    fc.property(facts, tally, options, (seen, counts, asked) => {
      const step = nextStep(seen, counts, asked);
      if (step.do !== "end" || step.ending.state === "landed") return;
      expect(step.ending.next.length).toBeGreaterThan(5);
    }),
    runs,
  );
});

test("with the time up it never waits, and a plan from any facts has an end", () => {
  fc.assert(
    fc.property(facts, tally, options, (seen, counts, asked) => {
      expect(nextStep(seen, { ...counts, timeLeftMs: 0 }, asked).do).not.toBe("wait");
      const known = { ...seen, remote: seen.remote ?? aRemote };
      const plan = planFrom(known, { ...freshTally, timeLeftMs: 1 }, asked);
      expect(plan.length).toBeLessThan(10);
    }),
    runs,
  );
});

const aRemote = {
  targetTip: "a".repeat(40),
  tip: undefined,
  standing: "behind",
  overwrite: "creates",
  verified: undefined,
} as const;
