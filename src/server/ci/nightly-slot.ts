const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/**
 * The latest time at or before `now` that a schedule names, so that a forge that slept through one
 * catches up with it. `scheduleUtc` is `HH:MM`; the slot is ISO 8601 UTC with milliseconds. Pure.
 */
export function latestSlot(scheduleUtc: string, now: Date): string {
  const [hours = 0, minutes = 0] = scheduleUtc.split(":").map(Number);
  const midnight = Math.floor(now.getTime() / dayMs) * dayMs;
  const today = midnight + (hours * 60 + minutes) * minuteMs;
  return new Date(today <= now.getTime() ? today : today - dayMs).toISOString();
}

/** The UTC day of a time, `YYYY-MM-DD`. */
export function dayOf(time: string): string {
  return time.slice(0, 10);
}

/** What decides about the schedule's next nightly. */
export interface SlotFacts {
  /** `HH:MM`. */
  readonly scheduleUtc: string;
  readonly now: Date;
  /** The newest day up to today that has its nightly. */
  readonly newestDay: string | undefined;
}

/**
 * The slot whose nightly is to be queued now, if any. Of several days that were missed it is the
 * latest; a day that has its nightly gets no other, nor does a day before it. Slots from before
 * `since`, when the schedule began to be kept, were nobody's to keep. Pure.
 */
export function dueSlot(facts: SlotFacts & { readonly since: string }): string | undefined {
  const slot = latestSlot(facts.scheduleUtc, facts.now);
  const had = facts.newestDay !== undefined && facts.newestDay >= dayOf(slot);
  return slot < facts.since || had ? undefined : slot;
}

/** The first slot after now that will have a nightly. Pure. */
export function nextSlot({ scheduleUtc, now, newestDay }: SlotFacts): string {
  const next = Date.parse(latestSlot(scheduleUtc, now)) + dayMs;
  const slot = new Date(next).toISOString();
  return newestDay === dayOf(slot) ? new Date(next + dayMs).toISOString() : slot;
}
