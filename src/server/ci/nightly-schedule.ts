import { Git } from "../../git/git.ts";
import type { ServerConfig } from "../config.ts";
import { HealthNotes, type PartHealth } from "../health.ts";
import { expectedTarget } from "../repository/target.ts";
import type { NightlyRecord } from "../store/records.ts";
import type { Clock, Store } from "../store/store.ts";
import type { Ci } from "./ci.ts";
import type { CiLog } from "./log.ts";
import { dayOf, dueSlot, nextSlot } from "./nightly-slot.ts";
import { brokenNote, manifestAt } from "./plan.ts";
import { queueNightly } from "./queue-nightly.ts";
import { manifestPath } from "./select.ts";

export interface NightlyScheduleParts {
  readonly config: Pick<ServerConfig, "repositoryDir" | "target" | "env" | "settings">;
  readonly store: Store;
  readonly ci: Pick<Ci, "planNightly" | "wake">;
  readonly clock: Clock;
  readonly log: CiLog;
}

/** The schedule as others see it. */
export interface NightlyOutlook {
  /** When the next nightly begins by itself; null where no manifest says it. */
  next(): string | null;
  health(): PartHealth;
}

/** The clock is looked at this often whatever it said before: it may jump, the machine may sleep. */
const longestWaitMs = 60_000;
/** A nightly that begins later than this after its slot was caught up. */
const lateMs = 2 * longestWaitMs;
const sinceSetting = "nightly_since";

/**
 * Keeps `nightly_schedule_utc` of the target's manifest: one nightly for each UTC day, and after a
 * time without the forge one for the latest day that was missed.
 */
export class NightlySchedule implements NightlyOutlook {
  readonly #parts: NightlyScheduleParts;
  readonly #git: Git;
  readonly #health: HealthNotes;
  /** What the manifest of one commit says; a commit does not change. */
  #read: { readonly head: string; readonly scheduleUtc: string | undefined } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<NightlyRecord | undefined> | undefined;
  #stopped = false;

  constructor(parts: NightlyScheduleParts) {
    const { config, clock } = parts;
    this.#parts = parts;
    this.#git = new Git({ dir: config.repositoryDir, bare: true, env: config.env });
    this.#health = new HealthNotes(() => clock.now());
  }

  /** Whether it is being found out what is due. */
  get busy(): boolean {
    return this.#checking !== undefined;
  }

  /** Looks at once, and from then on at each slot and at least every minute. */
  start(): void {
    void this.check().finally(() => {
      if (this.#stopped) return;
      this.#timer = setTimeout(() => this.start(), this.#waitAnyhow());
      this.#timer.unref();
    });
  }

  /** A store that cannot be read right now must not be the last that is seen of the schedule. */
  #waitAnyhow(): number {
    try {
      return this.waitMs();
    } catch {
      return longestWaitMs;
    }
  }

  /** Begins nothing more; resolves when what was begun has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#checking;
  }

  /** Queues the nightly that is due, and answers it. Never fails: `health` tells. */
  check(): Promise<NightlyRecord | undefined> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  next(): string | null {
    const scheduleUtc = this.#read?.scheduleUtc;
    return scheduleUtc === undefined ? null : nextSlot({ scheduleUtc, ...this.#present() });
  }

  health(): PartHealth {
    return this.#health;
  }

  /** How long to wait before the clock is looked at again. Milliseconds. */
  waitMs(): number {
    const next = this.next();
    const left =
      next === null ? longestWaitMs : Date.parse(next) - this.#parts.clock.now().getTime();
    return Math.min(Math.max(left, 1), longestWaitMs);
  }

  async #check(): Promise<NightlyRecord | undefined> {
    try {
      const made = await this.#queueDue();
      this.#health.passed();
      return made;
    } catch (error) {
      const before = this.#health.error?.words;
      this.#health.failed(error);
      const words = this.#health.error?.words;
      if (words !== before) this.#parts.log.warn({ error: words }, "the nightly is not scheduled");
      return undefined;
    }
  }

  async #queueDue(): Promise<NightlyRecord | undefined> {
    const scheduleUtc = await this.#schedule();
    if (scheduleUtc === undefined || this.#stopped) return undefined;
    const present = this.#present();
    const since = this.#since(present.now.toISOString());
    const slot = dueSlot({ scheduleUtc, since, ...present });
    if (slot === undefined) return undefined;
    const caughtUp = present.now.getTime() - Date.parse(slot) > lateMs;
    const made = await queueNightly(this.#parts, { slot, by: null, caughtUp });
    this.#parts.log.info({ nightly: made.runId, slot, caughtUp }, "nightly queued");
    return made;
  }

  #present(): { now: Date; newestDay: string | undefined } {
    const { store, clock } = this.#parts;
    const now = clock.now();
    return { now, newestDay: store.read.newestNightlyDay(dayOf(now.toISOString())) };
  }

  /** When this forge first had a schedule to keep; never in the future, as a wrong clock may be. */
  #since(now: string): string {
    const { store } = this.#parts;
    const known = store.read.setting(sinceSetting);
    if (known !== undefined && known <= now) return known;
    store.write((tx) => tx.setSetting(sinceSetting, now));
    return now;
  }

  /** `HH:MM` of the target's manifest; undefined where there is nothing to keep. */
  async #schedule(): Promise<string | undefined> {
    const head = expectedTarget(this.#parts.store.read);
    if (this.#read?.head === head && this.#read?.scheduleUtc !== undefined) {
      return this.#read.scheduleUtc;
    }
    this.#read = undefined;
    if (head === null) return undefined;
    const scheduleUtc = await this.#scheduleAt(head);
    this.#read = { head, scheduleUtc };
    return scheduleUtc;
  }

  async #scheduleAt(head: string): Promise<string | undefined> {
    const { config } = this.#parts;
    const found = await manifestAt(this.#git, head);
    if (found === "missing") {
      // Who chose to have no CI misses no nightly.
      if (config.settings().ci === "none") return undefined;
      throw new Error(
        `${config.target} has no ${manifestPath}, so nothing says when nightlies run`,
      );
    }
    if (!found.ok) throw new Error(`nothing says when nightlies run: ${brokenNote(found)}`);
    return found.manifest.nightlyScheduleUtc;
  }
}
