/** How long things take at most. Milliseconds. */
export interface CiTiming {
  /** How often a running lane's lease is renewed. */
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  /** From asking a lane that ran out of time to end, to ending it. */
  readonly timeoutGraceMs: number;
  /** The same for a lane whose result nobody wants any more. */
  readonly cancelGraceMs: number;
  /** How often the size of a running lane's log is looked at. */
  readonly logCheckMs: number;
}

export const usualTiming: CiTiming = {
  heartbeatMs: 10_000,
  leaseMs: 60_000,
  timeoutGraceMs: 5_000,
  cancelGraceMs: 1_000,
  logCheckMs: 100,
};
