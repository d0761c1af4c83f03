import type { Reads, Writes } from "../store/store.ts";

/** Who holds the scheduler, and since when. */
export interface Pause {
  /** npub. */
  readonly by: string;
  /** ISO time. */
  readonly since: string;
}

const setting = "ci_paused";

/** Null: lanes start. Survives a restart. */
export function pauseOf(read: Pick<Reads, "setting">): Pause | null {
  const kept = read.setting(setting) ?? "";
  return kept === "" ? null : (JSON.parse(kept) as Pause);
}

/** Keeps new lanes from starting; what runs goes on. Keeps the first pause where there is one. */
export function pause(tx: Writes, pausing: Pause): Pause {
  const before = pauseOf(tx);
  if (before !== null) return before;
  tx.setSetting(setting, JSON.stringify(pausing));
  tx.addAudit({ npub: pausing.by, action: "ci_paused" });
  tx.addEvent({ kind: "ci_paused" });
  return pausing;
}

/** Answers whether there was a pause to end. */
export function resume(tx: Writes, by: string): boolean {
  if (pauseOf(tx) === null) return false;
  tx.setSetting(setting, "");
  tx.addAudit({ npub: by, action: "ci_resumed" });
  tx.addEvent({ kind: "ci_resumed" });
  return true;
}
