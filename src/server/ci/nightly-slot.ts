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
