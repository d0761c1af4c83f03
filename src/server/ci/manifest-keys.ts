/** Every key that a manifest is read for, by where it stands. What else is there is ignored. */
export const manifestKeys = {
  top: ["version", "nightly_schedule_utc", "branch", "nightly"],
  list: ["lanes"],
  lane: [
    "id",
    "title",
    "entrypoint",
    "command",
    "paths",
    "inputs",
    "env",
    "concurrency_group",
    "timeout_seconds",
    "staged_linux_target",
  ],
} as const;

/** A key of a lane's table. */
export type LaneKey = (typeof manifestKeys.lane)[number];
