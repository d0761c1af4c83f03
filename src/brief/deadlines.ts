import type { Clock } from "../forges/clock.ts";

/** Time as the brief sees it, so that tests can drive it by hand. */
export type BriefClock = Pick<Clock, "now" | "pause">;

/** Something that is done beside others, each under its own deadline. */
export interface Job<T> {
  readonly deadlineMs: number;
  /** When its signal aborts, it should answer at once with what it has; what does not is left. */
  work(signal: AbortSignal): Promise<T>;
}

/** How a job ended, and after how many milliseconds. */
export type Ended<T> = { readonly ms: number } & (
  | { readonly state: "done"; readonly value: T }
  | { readonly state: "failed"; readonly error: unknown }
  /** `value`: what it had by then, where it could say. */
  | { readonly state: "timed_out" | "stopped"; readonly value: T | undefined }
);

export interface Within {
  readonly clock: BriefClock;
  /** The longest that all of them may take together. */
  readonly overallMs: number;
  /** Stops all of them, as when this program is asked to end. */
  readonly signal: AbortSignal;
}

/** Starts all jobs at once and answers in their order once each has ended or is late. */
export function allWithin<T>(jobs: readonly Job<T>[], within: Within): Promise<Ended<T>[]> {
  return Promise.all(jobs.map((job) => withinDeadline(job, within)));
}

/** One job under its deadline. Never throws, and never takes longer than the deadline. */
export async function withinDeadline<T>(job: Job<T>, within: Within): Promise<Ended<T>> {
  const { clock } = within;
  const began = clock.now();
  const own = new AbortController();
  const over = new AbortController();
  const ended = new Promise<Ended<T>>((settle) => {
    const took = () => clock.now() - began;
    start(job, own.signal).then(
      (value) => settle({ state: "done", value, ms: took() }),
      (error: unknown) => settle({ state: "failed", error, ms: took() }),
    );
  });
  const late = clock
    .pause(Math.min(job.deadlineMs, within.overallMs), over.signal)
    .then(() => "timed_out" as const);
  const stopped = aborted(within.signal, over.signal).then(() => "stopped" as const);
  const first = await Promise.race([ended, late, stopped]);
  over.abort();
  if (typeof first !== "string") return first;
  const ms = clock.now() - began;
  own.abort(first);
  const last = await Promise.race([ended, aMoment()]);
  return { state: first, value: last?.state === "done" ? last.value : undefined, ms };
}

async function start<T>(job: Job<T>, signal: AbortSignal): Promise<T> {
  return job.work(signal);
}

/** A few turns of the loop, in which what heeds its signal can answer. */
async function aMoment(): Promise<undefined> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((next) => setImmediate(next));
}

function aborted(signal: AbortSignal, unless: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true, signal: unless });
  });
}
