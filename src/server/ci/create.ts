import { randomUUID } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { Git } from "../../git/git.ts";
import { Lifeline } from "../../process/lifeline.ts";
import type { ServerConfig } from "../config.ts";
import { storageTrouble } from "../storage.ts";
import type { Clock, Store } from "../store/store.ts";
import type { Ci } from "./ci.ts";
import { Executor } from "./executor.ts";
import { type CiLog, noLog } from "./log.ts";
import { changedLanes, planNightly, planRun } from "./plan.ts";
import { recoverOrphans } from "./recovery.ts";
import { rememberedOfCommits } from "./remembered.ts";
import { type Isolation, probeIsolation } from "./sandbox.ts";
import { laneLimit, Scheduler } from "./scheduler.ts";
import { tagsOf, workspaceVariable } from "./tags.ts";
import { type CiTiming, usualTiming } from "./timing.ts";
import { Workspaces } from "./workspaces.ts";

export interface CiOptions {
  readonly config: ServerConfig;
  readonly store: Store;
  readonly clock: Clock;
  readonly log?: CiLog;
  readonly timing?: Partial<CiTiming>;
  /** Chosen by a probe unless given. */
  readonly isolation?: Isolation;
}

/** Workspaces beyond the lanes that may run, for lanes that are ending while others begin. */
const spareWorkspaces = 4;

/**
 * The CI half of the forge. The canonical repository must exist. Ends what an earlier process of
 * this forge left running, puts those lanes back into the queue, and begins to work off the queue.
 */
export function createCi(options: CiOptions): Ci {
  const { store, clock, log = noLog } = options;
  const config = withRealPaths(options.config);
  const isolation = options.isolation ?? probeIsolation(config.env);
  const timing = { ...usualTiming, ...options.timing };
  const instance = instanceOf(store);
  // Of this start alone: what ends after it must leave the next one's lanes alone.
  const start = `${instance}-${randomUUID().slice(0, 8)}`;
  const lifeline = new Lifeline(tagsOf(start), config.env);
  const objectsDir = join(config.repositoryDir, "objects");
  const workspaces = new Workspaces({
    dir: config.workspacesDir,
    objectsDir,
    // A git that a crash left at work in a workspace is found, and ended, by this.
    env: { ...config.env, [workspaceVariable]: `${start}-` },
    most: () => laneLimit(config.settings()) + spareWorkspaces,
    isRunning: ({ id, claimToken }) => store.read.isClaimed(id, claimToken),
  });
  const where = { config, workspaces, objectsDir, isolation };
  const executor = new Executor({ ...where, instance: start, lifeline, timing, log });
  const ready = recoverOrphans(store, instance)
    .then(({ lanes, lingering }) => {
      if (lanes > 0) log.info({ lanes }, "lanes of an earlier process were put back");
      for (const each of lingering) scheduler.keepSlot(each);
    })
    .catch((error: unknown) => log.warn({ error: String(error) }, "lanes could not be put back"))
    .then(() => void workspaces.sweep());
  const settings = config.settings;
  const storage = () => storageTrouble(config);
  const parts = { store, clock, settings, executor, timing, log, ready, storage };
  const scheduler = new Scheduler(parts);
  const git = new Git({ dir: config.repositoryDir, bare: true, env: config.env });
  return {
    isolation,
    plan: (head, mergeBase) => planRun(git, config.settings(), head, mergeBase),
    planNightly: (head) => planNightly(git, config.settings(), head),
    lanesChangedBy: rememberedOfCommits((head, target) => changedLanes(git, head, target)),
    wake: () => scheduler.wake(),
    health: () => scheduler.health,
    idle: () => scheduler.idle(),
    stop: (how) => scheduler.stop(how).finally(() => lifeline.close()),
  };
}

/** Links in these paths would lead out of the sandbox. */
function withRealPaths(config: ServerConfig): ServerConfig {
  for (const dir of [config.workspacesDir, config.cacheDir]) mkdirSync(dir, { recursive: true });
  return {
    ...config,
    repositoryDir: realpathSync(config.repositoryDir),
    workspacesDir: realpathSync(config.workspacesDir),
    cacheDir: realpathSync(config.cacheDir),
  };
}

/** What the tags of this forge's lanes begin with: its own for good, unlike those of any other. */
function instanceOf(store: Store): string {
  const name = "ci_instance";
  const known = store.read.setting(name);
  if (known !== undefined) return known;
  const fresh = randomUUID().slice(0, 13);
  store.write((tx) => tx.setSetting(name, fresh));
  return fresh;
}
