import type {
  ForgeStatusAnswer,
  MirrorRun,
  MirrorRuntime,
  MirrorStatus,
  MirrorSyncAnswer,
} from "../../contract/admin.ts";
import type { Sighting } from "./seen.ts";

/** A remote that the target is pushed to after each landing, as the rest of the server sees it. */
export interface Mirror {
  runtime(): MirrorRuntime;
  health(): ForgeStatusAnswer["forge_health"]["mirror"];
  /** Null before the first push. */
  status(): MirrorStatus | null;
  /** Newest first. */
  history(limit: number): readonly MirrorRun[];
  /** Whether it has a commit of the target, as far as its last look tells. */
  sighting(commit: string): Promise<Sighting>;
  /**
   * Pushes now and waits for the end; a push that failed is an answer. Throws RefusedError 409
   * where one is under way.
   */
  sync(by: string): Promise<MirrorSyncAnswer>;
  /** Asks for a push soon; nobody waits for it. */
  request(): void;
}
