import type {
  ForgeStatusAnswer,
  MirrorRun,
  MirrorRuntime,
  MirrorStatus,
} from "../../contract/admin.ts";
import type { MirrorSettings } from "../config.ts";
import type { MirrorLockRecord, MirrorRunRecord } from "../store/records.ts";
import { needsSomebody } from "./failure.ts";

/** As many failures in a row as are counted. */
const counted = 32;

export function failuresInARow(runs: readonly MirrorRunRecord[]): number {
  const ended = runs.findIndex(({ status }) => status === "success");
  return Math.min(ended === -1 ? runs.length : ended, counted);
}

export function runOnWire(run: MirrorRunRecord): MirrorRun {
  return {
    id: run.id,
    remote_name: run.remote,
    trigger_source: run.triggerSource,
    status: run.status,
    failure_kind: run.failureKind,
    local_default_head: run.localTarget,
    remote_default_head: run.remoteTarget,
    lagging_ref_count: run.lagging,
    synced_ref_count: run.synced,
    error_text: run.error,
    created_at: run.startedAt,
    finished_at: run.finishedAt,
    lagging_refs: [...run.laggingRefs],
  };
}

/** `runs`: newest first. */
export function statusOnWire(
  settings: MirrorSettings,
  runs: readonly MirrorRunRecord[],
): MirrorStatus | null {
  const [last] = runs;
  if (last === undefined) return null;
  return {
    remote_name: settings.url,
    last_attempt: runOnWire(last),
    last_success_at: newest(runs, "success"),
    last_failure_at: newest(runs, "failed"),
    consecutive_failure_count: failuresInARow(runs),
    current_lagging_ref_count: last.lagging,
    current_failure_kind: last.failureKind,
  };
}

export function runtimeOnWire(
  settings: MirrorSettings,
  lock: MirrorLockRecord | undefined,
  now: Date,
): MirrorRuntime {
  return {
    configured: true,
    remote_name: settings.url,
    background_enabled: settings.intervalSeconds > 0,
    background_interval_secs: settings.intervalSeconds,
    timeout_secs: settings.timeoutSeconds,
    github_token_env: settings.tokenEnv ?? "",
    active_run:
      lock === undefined
        ? null
        : {
            state: lock.expiresAt > now.toISOString() ? "active" : "stale",
            pid: lock.pid,
            trigger_source: lock.triggerSource,
            operation: "push",
            started_at: lock.startedAt,
            age_secs: Math.max(0, Math.floor((now.getTime() - Date.parse(lock.startedAt)) / 1000)),
          },
  };
}

export function healthOnWire(
  settings: MirrorSettings,
  runs: readonly MirrorRunRecord[],
  running: boolean,
): ForgeStatusAnswer["forge_health"]["mirror"] {
  const [last] = runs;
  const byItself = settings.intervalSeconds > 0;
  const kind = last?.failureKind ?? null;
  const state = () => {
    if (running) return "active";
    if (last?.status === "failed" && needsSomebody(kind)) return "error";
    return byItself ? "idle" : "disabled";
  };
  const summary = () => {
    if (last?.status === "failed") return `last attempt failed (${kind ?? "transient"})`;
    if (!byItself) return "pushes only when asked to";
    return last?.lagging == null ? null : `lagging refs ${last.lagging}`;
  };
  return {
    state: state(),
    background_enabled: byItself,
    background_interval_secs: settings.intervalSeconds,
    last_success_at: newest(runs, "success"),
    last_failure_at: newest(runs, "failed"),
    summary: summary(),
  };
}

function newest(runs: readonly MirrorRunRecord[], status: MirrorRunRecord["status"]) {
  return runs.find((run) => run.status === status)?.finishedAt ?? null;
}
