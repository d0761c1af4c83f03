import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EstimateFacts,
  estimateWaits,
  farLonger,
  median,
  noHistory,
} from "../../../../src/server/ci/estimate.ts";

type Waiting = EstimateFacts["waiting"][number];
const lane = (id: number, more: Partial<Waiting> = {}): Waiting => ({
  id,
  lane: "unit",
  concurrencyGroup: null,
  reason: "queued",
  ...more,
});
const facts = (more: Partial<EstimateFacts>): EstimateFacts => ({
  limit: 2,
  running: [],
  waiting: [],
  usualMs: (name) => ({ unit: 100, lint: 10 })[name],
  ...more,
});
const runs = (name: string, ranMs: number, concurrencyGroup: string | null = null) => ({
  lane: name,
  ranMs,
  concurrencyGroup,
});
/** Start and end of each lane, in order. */
const told = (more: Partial<EstimateFacts>) =>
  [...estimateWaits(facts(more)).values()].map((one) => [one.startsInMs, one.endsInMs]);

describe("the median", () => {
  it.each([
    [[], undefined],
    [[5], 5],
    [[9, 1], 5],
    [[100, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])("of %j is %j", (values, expected) => expect(median(values)).toBe(expected));
});

describe("an estimate", () => {
  it("begins at once where there is room", () => {
    expect(told({ waiting: [lane(1), lane(2, { lane: "lint" }), lane(3)] })).toEqual([
      [0, 100],
      [0, 10],
      [10, 110],
    ]);
  });

  it("counts what is left of the running ones, and nothing of one that is overdue", () => {
    const running = [runs("unit", 40), runs("unit", 400)];
    expect(told({ running, waiting: [lane(1), lane(2)] })).toEqual([
      [0, 100],
      [60, 160],
    ]);
  });

  it("waits for the group, and lets others have the slot meanwhile", () => {
    const group = { concurrencyGroup: "device" };
    const waiting = [lane(1, group), lane(2), lane(3, group)];
    const running = [runs("unit", 50, "device")];
    expect(told({ running, waiting })).toEqual([
      [50, 150],
      [0, 100],
      [150, 250],
    ]);
  });

  it("says `no history` of a lane that has none, and of those that only its slot is left for", () => {
    const waiting = [lane(1, { lane: "new" }), lane(2), lane(3)];
    expect(told({ waiting })).toEqual([
      [0, null],
      [0, 100],
      [100, 200],
    ]);
    const narrow = [...estimateWaits(facts({ limit: 1, waiting })).values()];
    expect(narrow.map((one) => one.unknown)).toEqual([noHistory, noHistory, noHistory]);
    expect(narrow[1]).toEqual({ startsInMs: null, endsInMs: null, unknown: noHistory });
  });

  it("is none for what waits without a known end, which holds up nobody", () => {
    const waiting = [lane(1, { reason: "blocked_by_target_health" }), lane(2)];
    const [sick, well] = [...estimateWaits(facts({ limit: 1, waiting })).values()];
    expect(sick).toEqual({
      startsInMs: null,
      endsInMs: null,
      unknown: "not before its CI target is healthy",
    });
    expect(well?.startsInMs).toBe(0);
  });

  it("counts on none that runs far longer than usual, and says so of it and of who waits for it", () => {
    const hangs = { id: 9, ...runs("unit", 60_101, "device") };
    const waiting = [lane(1, { concurrencyGroup: "device" }), lane(2), lane(3, { lane: "new" })];
    const of = (running: EstimateFacts["running"]) => {
      const all = estimateWaits(facts({ running, waiting }));
      return [9, 1, 2, 3].map((id) => [all.get(id)?.endsInMs, all.get(id)?.unknown]);
    };
    expect(of([hangs])).toEqual([
      [null, farLonger],
      [null, "a lane before it runs far longer than usual"],
      [100, null],
      [null, noHistory],
    ]);
    expect(of([{ ...hangs, ranMs: 60_100 }])[0]).toEqual([0, null]);
    expect(of([{ ...hangs, lane: "new" }])[0]).toEqual([null, noHistory]);
  });

  it("is none where no lane may run", () => {
    const one = estimateWaits(facts({ limit: 0, waiting: [lane(1)] })).get(1);
    expect(one).toEqual({ startsInMs: null, endsInMs: null, unknown: "no lane may run" });
  });

  it("lets the limit's last lane end first after the limit was lowered", () => {
    const running = [runs("unit", 90), runs("unit", 50), runs("unit", 10)];
    expect(told({ limit: 2, running, waiting: [lane(1)] })).toEqual([[50, 150]]);
  });

  it("never has more lanes at once than may run, nor two of one group", () => {
    const group = fc.constantFrom(null, "a", "b");
    const name = fc.constantFrom("unit", "lint");
    const any = fc.record({
      limit: fc.integer({ min: 1, max: 4 }),
      queue: fc.array(fc.record({ lane: name, concurrencyGroup: group }), { maxLength: 30 }),
    });
    fc.assert(
      fc.property(any, ({ limit, queue }) => {
        const waiting = queue.map((one, id) => lane(id, one));
        const spans = [...estimateWaits(facts({ limit, waiting })).entries()].map(([id, one]) => ({
          from: one.startsInMs ?? -1,
          to: one.endsInMs ?? -1,
          group: waiting[id]?.concurrencyGroup ?? null,
        }));
        for (const { from } of spans) {
          const at = spans.filter((other) => other.from <= from && from < other.to);
          expect(at.length).toBeLessThanOrEqual(limit);
          const groups = at.flatMap((other) => other.group ?? []);
          expect(new Set(groups).size).toBe(groups.length);
        }
      }),
    );
  });
});
