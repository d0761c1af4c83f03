import type { RunReason } from "../../domain/status.ts";
import type { PartHealth } from "../health.ts";
import type { LaneDefinition } from "../store/records.ts";

/** What CI would do for a head: the lanes to run, or why there are none. */
export interface RunPlan {
  readonly lanes: readonly LaneDefinition[];
  /** For a run without lanes. */
  readonly status: "success" | "failed";
  readonly reason: RunReason | null;
  /** The run's own words, such as a broken manifest's line. */
  readonly note: string | null;
}

/** The CI half of the forge, as the rest of the server sees it. */
export interface Ci {
  /** Reads the manifest at `head` and chooses lanes by what changed since `mergeBase`. */
  plan(head: string, mergeBase: string | null): Promise<RunPlan>;
  /** The nightly lanes of the manifest at `head`, whatever changed. */
  planNightly(head: string): Promise<RunPlan>;
  /** Names of the lanes of the target's manifest that `head`'s manifest removes or changes. */
  lanesChangedBy(head: string, target: string): Promise<readonly string[]>;
  /** Asks for a scheduler pass. Returns at once; a wake during a pass is never lost. */
  wake(): void;
  /** How lanes are kept apart from the machine here. */
  readonly isolation: "bwrap" | "none";
  /** How the scheduler does. */
  health(): PartHealth;
  /** True while no lane runs and none is queued. */
  idle(): boolean;
  /** `drain`: claims nothing more and waits for running lanes. Else ends them and requeues them. */
  stop(how: { drain: boolean }): Promise<void>;
}
