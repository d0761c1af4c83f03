import type { ForgeStatusAnswer } from "../../contract/admin.ts";
import type { PartHealth } from "../health.ts";
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
    issues: issuesOf(parts),
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

function issuesOf({ repository, draining, ingestion, ci }: Parts): Health["issues"] {
  const reading = ingestion().error;
  const scheduling = ci.health().error;
  const frozen = repository.frozen();
  const issue = (code: string, message: string, severity = "error") => ({
    severity,
    code,
    message,
  });
  return [
    ...(frozen === null ? [] : [issue("target_moved_outside", frozen)]),
    ...(reading === undefined ? [] : [issue("ingestion_failed", reading.words, "warning")]),
    ...(scheduling === undefined ? [] : [issue("ci_failed", scheduling.words)]),
    ...(draining() ? [issue("draining", "the forge is about to stop", "warning")] : []),
  ];
}
