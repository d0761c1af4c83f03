import type { ForgeStatusAnswer } from "../../contract/admin.ts";
import { type BlockedTarget, blockedTargets } from "../ci/health.ts";
import { pauseOf } from "../ci/pause.ts";
import type { PartHealth } from "../health.ts";
import { divergedTip, divergedWords } from "../repository/diverged.ts";
import { storageTrouble, storageWords } from "../storage.ts";
import type { Parts } from "./parts.ts";

type Health = ForgeStatusAnswer["forge_health"];

const historyShown = 12;
/** A part that found something to do within this time counts as active. */
const activeMs = 60_000;

const noMirror: Pick<ForgeStatusAnswer, "mirror_runtime" | "mirror_status" | "mirror_history"> = {
  mirror_runtime: {
    configured: false,
    remote_name: null,
    background_enabled: false,
    background_interval_secs: null,
    timeout_secs: null,
    github_token_env: "",
    active_run: null,
  },
  mirror_status: null,
  mirror_history: [],
};

/** How the forge's parts do, every key of the contract present. */
export function forgeStatus(parts: Parts): ForgeStatusAnswer {
  const { mirror } = parts;
  return {
    forge_health: healthOf(parts),
    ...(mirror === undefined
      ? noMirror
      : {
          mirror_runtime: mirror.runtime(),
          mirror_status: mirror.status(),
          mirror_history: [...mirror.history(historyShown)],
        }),
  };
}

function healthOf(parts: Parts): Health {
  const { mirror, store, ingestion, ci } = parts;
  const { read } = store;
  const running = read.countRunningLanes();
  const queued = read.countQueuedLanes();
  return {
    enabled: true,
    issues: [...issuesOf(parts), ...schedulerIssues(parts)],
    poller: partOnWire(parts, ingestion(), {
      activityAt: read.lastEventAt("branch"),
      busy: false,
      summary: `branches ${read.openBranches().length}`,
    }),
    // Tutorials come from whoever wrote the branch; nothing here makes them.
    generation_worker: {
      state: "idle",
      last_checked_at: null,
      last_activity_at: read.lastEventAt("tutorial"),
      last_error_at: null,
      summary: "tutorials come from whoever wrote the branch",
    },
    ci: partOnWire(parts, ci.health(), {
      activityAt: read.lastEventAt("lane"),
      busy: running > 0,
      summary: `running ${running} · queued ${queued}`,
    }),
    mirror: mirror?.health() ?? {
      state: "disabled",
      background_enabled: false,
      background_interval_secs: null,
      last_success_at: null,
      last_failure_at: null,
      summary: null,
    },
  };
}

function partOnWire(
  { clock }: Parts,
  part: PartHealth,
  facts: { activityAt: string | null; busy: boolean; summary: string },
): Health["poller"] {
  const { activityAt, busy, summary } = facts;
  const since = new Date(clock.now().getTime() - activeMs).toISOString();
  const active = busy || (activityAt !== null && activityAt >= since);
  return {
    state: part.error !== undefined ? "error" : active ? "active" : "idle",
    last_checked_at: part.checkedAt?.toISOString() ?? null,
    last_activity_at: activityAt,
    last_error_at: part.lastErrorAt?.toISOString() ?? null,
    summary: part.error?.words ?? summary,
  };
}

function issuesOf(parts: Parts): Health["issues"] {
  const { config, repository, draining, ingestion, ci, nightlies } = parts;
  const storage = storageTrouble(config);
  const reading = ingestion().error;
  const scheduling = ci.health().error;
  const nightly = nightlies.health().error;
  const frozen = repository.frozen();
  const issue = (code: string, message: string, severity = "error") => ({
    severity,
    code,
    message,
  });
  return [
    ...(storage === undefined ? [] : [issue("storage_failed", storageWords(storage))]),
    ...(frozen === null ? [] : [issue("target_moved_outside", frozen)]),
    ...(reading === undefined ? [] : [issue("ingestion_failed", reading.words, "warning")]),
    ...(scheduling === undefined ? [] : [issue("ci_failed", scheduling.words)]),
    ...(nightly === undefined ? [] : [issue("nightly_not_scheduled", nightly.words, "warning")]),
    ...mirrorIssues(parts),
    ...(draining() ? [issue("draining", "the forge is about to stop", "warning")] : []),
  ];
}

function mirrorIssues({ store, config }: Parts): Health["issues"] {
  const tip = divergedTip({ store, config });
  if (tip === null) return [];
  const message = divergedWords(config.target, tip);
  return [{ severity: "error", code: "mirror_diverged", message }];
}

/** What keeps lanes back: a pause, and CI targets that fail for themselves. */
export function schedulerIssues({ store, clock }: Parts): Health["issues"] {
  const paused = pauseOf(store.read);
  const blocked = blockedTargets(store.read, clock.now()).map(targetIssue);
  if (paused === null) return blocked;
  const message = `no lanes are started since ${paused.since}: ${paused.by} paused the scheduler`;
  return [{ severity: "warning", code: "ci_paused", message }, ...blocked];
}

function targetIssue(blocked: BlockedTarget): Health["issues"][number] {
  const next = blocked.until === null ? "one lane tries it" : `tried again at ${blocked.until}`;
  return {
    severity: "warning",
    code: "ci_target_unhealthy",
    message: `CI target ${blocked.target} fails since ${blocked.since} (${blocked.why}); ${next}`,
  };
}
