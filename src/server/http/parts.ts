import type { Logger } from "pino";
import type { Access } from "../access/access.ts";
import type { Ci } from "../ci/ci.ts";
import type { NightlyOutlook } from "../ci/nightly-schedule.ts";
import type { ServerConfig } from "../config.ts";
import type { PartHealth } from "../health.ts";
import type { Live } from "../live/live.ts";
import type { Mirror } from "../mirror/mirror.ts";
import type { CanonicalRepository } from "../repository/repository.ts";
import type { Clock, Store } from "../store/store.ts";

/** What the HTTP face is put together from. */
export interface Parts {
  readonly config: ServerConfig;
  readonly store: Store;
  readonly repository: CanonicalRepository;
  readonly ci: Ci;
  readonly clock: Clock;
  readonly log: Logger;
  readonly access: Access;
  readonly live: Live;
  /** Undefined while none is configured. */
  readonly mirror?: Mirror | undefined;
  /** When nightlies begin by themselves. */
  readonly nightlies: NightlyOutlook;
  /** How reading the refs goes. */
  readonly ingestion: () => PartHealth;
  /** New at each start of the process. */
  readonly instance: string;
  /** `host:port` pairs that requests may name; undefined = any. */
  readonly hosts: () => ReadonlySet<string> | undefined;
  readonly draining: () => boolean;
  /** Begins to drain; the process stops when the running lanes ended. */
  readonly drain: (by: string) => void;
}
