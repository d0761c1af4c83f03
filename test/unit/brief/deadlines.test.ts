import { expect, it } from "vitest";
import { allWithin, type Job } from "../../../src/brief/deadlines.ts";
import { byHand } from "../../support/agent-half.ts";
import { handClock } from "../../support/brief.ts";

const never = new AbortController().signal;
const deaf = () => new Promise<string>(() => {});
/** Answers with what it has as soon as it is told to stop. */
const heeding = (signal: AbortSignal) =>
  new Promise<string>((settle) => signal.addEventListener("abort", () => settle("so far")));

it("starts all at once, keeps their order, and takes as long as the slowest", async () => {
  const clock = handClock();
  const works = [byHand<string>(), byHand<string>(), byHand<string>()];
  const started: number[] = [];
  const jobs = works.map(({ promise }, at): Job<string> => {
    const work = () => {
      started.push(at);
      return promise;
    };
    return { deadlineMs: 5000, work };
  });
  const all = allWithin(jobs, { clock, overallMs: 12_000, signal: never });
  await clock.paused(3);
  expect(started).toEqual([0, 1, 2]);
  await clock.advance(100);
  works[2]?.resolve("c");
  await clock.advance(0);
  await clock.advance(200);
  works[0]?.resolve("a");
  await clock.advance(0);
  await clock.advance(700);
  works[1]?.resolve("b");
  expect(await all).toMatchObject([
    { state: "done", value: "a", ms: 300 },
    { state: "done", value: "b", ms: 1000 },
    { state: "done", value: "c", ms: 100 },
  ]);
});

it("gives each its own deadline, heeded or not, and loses nothing of the others", async () => {
  const clock = handClock();
  const slow = byHand<string>();
  const jobs: Job<string>[] = [
    { deadlineMs: 1000, work: deaf },
    { deadlineMs: 2000, work: heeding },
    { deadlineMs: 9000, work: () => slow.promise },
  ];
  const all = allWithin(jobs, { clock, overallMs: 12_000, signal: never });
  await clock.paused(3);
  await clock.advance(1000);
  await clock.advance(1000);
  await clock.advance(500);
  slow.resolve("late, but there");
  expect(await all).toEqual([
    { state: "timed_out", value: undefined, ms: 1000 },
    { state: "timed_out", value: "so far", ms: 2000 },
    { state: "done", value: "late, but there", ms: 2500 },
  ]);
});

it("lets none pass the overall deadline", async () => {
  const clock = handClock();
  const all = allWithin([{ deadlineMs: 60_000, work: deaf }], {
    clock,
    overallMs: 3000,
    signal: never,
  });
  await clock.paused(1);
  await clock.advance(3000);
  expect(await all).toEqual([{ state: "timed_out", value: undefined, ms: 3000 }]);
});

it("stops all of them when it is told to", async () => {
  const clock = handClock();
  const stop = new AbortController();
  const within = { clock, overallMs: 12_000, signal: stop.signal };
  const all = allWithin(
    [
      { deadlineMs: 5000, work: deaf },
      { deadlineMs: 5000, work: heeding },
    ],
    within,
  );
  await clock.paused(2);
  await clock.advance(10);
  stop.abort();
  expect(await all).toEqual([
    { state: "stopped", value: undefined, ms: 10 },
    { state: "stopped", value: "so far", ms: 10 },
  ]);
});

it("tells what failed, also where it throws at once", async () => {
  const jobs: Job<string>[] = [
    {
      deadlineMs: 5000,
      work: () => {
        throw new Error("no");
      },
    },
  ];
  const [ended] = await allWithin(jobs, { clock: handClock(), overallMs: 1, signal: never });
  expect(ended).toMatchObject({ state: "failed", error: new Error("no") });
});
