import { expect, test } from "vitest";
import type { LandingCall } from "../../../src/landing/call.ts";
import { isFarBack } from "../../../src/landing/in-line.ts";

const head = "a".repeat(40);

/** A landing whose head has a run in this state, at this place of the queue. */
function call(of: {
  status?: string;
  place?: number | undefined;
  compared?: boolean;
  queueFails?: boolean;
}): LandingCall {
  const run = {
    id: "1",
    head,
    status: of.status ?? "queued",
    partial: false,
    reason: undefined,
    note: undefined,
    lanes: [],
  };
  const queue = async () => {
    if (of.queueFails === true) throw new Error("no answer");
    return { limit: 2, lanes: "place" in of ? [{ place: of.place }] : [] };
  };
  return {
    record: { id: "7", head, runs: [run] },
    forge: { head: of.compared === true ? "compared" : "pinned" },
    deps: { forge: { queue }, signal: AbortSignal.abort() },
  } as unknown as LandingCall;
}

test("a head far back in the queue is not rebased yet", async () => {
  expect(await isFarBack(call({ place: 5 }), head)).toBe(true);
});

test.each([
  ["soon served", { place: 4 }],
  ["already served", { status: "running", place: 9 }],
  ["not in the queue", {}],
  ["in a queue that cannot be asked", { place: 9, queueFails: true }],
  ["on a forge that does not refuse what fell behind", { place: 9, compared: true }],
])("a head %s is", async (_when, of) => {
  expect(await isFarBack(call(of), head)).toBe(false);
});
