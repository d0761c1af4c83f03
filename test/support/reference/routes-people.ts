import { challenge, normalNpub, upsertAllow, verify } from "./access.ts";
import { msTime, sqlTime } from "./clock.ts";
import type { Core } from "./core.ts";
import { dismiss, inboxCount, inboxList, markReviewed, neighbors } from "./inbox.ts";
import type { Loop } from "./ingest.ts";
import {
  mirrorFailureKind,
  mirrorRemote,
  mirrorSeconds,
  mirrorTimeoutSeconds,
  syncByHand,
} from "./mirror.ts";
import { refuse } from "./refusal.ts";
import { json, type Path } from "./router.ts";
import type { AllowRow, MirrorRow } from "./types.ts";

/** Login, who somebody is, the inbox and the admin's endpoints. */
export function peoplePaths(core: Core, loop: Loop): Path[] {
  return [
    {
      path: "/auth/challenge",
      post: { guard: "none", run: () => json(challenge(core)) },
    },
    {
      path: "/auth/verify",
      post: {
        guard: "none",
        body: (value) => stringKey(value, "event"),
        run: ({ body }) => json(verify(core, String(body))),
      },
    },
    { path: "/api/me", get: { guard: "token", run: ({ rights }) => json(meOf(rights())) } },
    ...inboxPaths(core),
    ...adminPaths(core, loop),
  ];
}

const meOf = (rights: {
  npub: string;
  isAdmin: boolean;
  canChat: boolean;
  canForgeWrite: boolean;
}) => ({
  npub: rights.npub,
  is_admin: rights.isAdmin,
  can_chat: rights.canChat,
  can_forge_write: rights.canForgeWrite,
});

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error("invalid type, expected struct");
}

function stringKey(value: unknown, key: string): string {
  const found = objectOf(value)[key];
  if (found === undefined) throw new Error(`missing field \`${key}\``);
  if (typeof found !== "string") throw new Error(`${key}: invalid type, expected a string`);
  return found;
}

function idsKey(value: Record<string, unknown>, key: string): number[] | undefined {
  const found = value[key];
  if (found === undefined || found === null) return undefined;
  if (!Array.isArray(found) || !found.every((id) => Number.isInteger(id))) {
    throw new Error(`${key}: invalid type, expected a sequence of i64`);
  }
  return found as number[];
}

function boolKey(value: Record<string, unknown>, key: string): boolean | undefined {
  const found = value[key];
  if (found === undefined || found === null) return undefined;
  if (typeof found !== "boolean") throw new Error(`${key}: invalid type, expected a boolean`);
  return found;
}

function inboxPaths(core: Core): Path[] {
  const paths: Path[] = [
    {
      path: "/api/inbox",
      get: {
        guard: "inbox",
        query: { page: "int?" },
        run: ({ rights, query }) => json(inboxList(core, rights().npub, BigInt(query.page ?? 1n))),
      },
    },
    {
      path: "/api/inbox/count",
      get: { guard: "inbox", run: ({ rights }) => json(inboxCount(core, rights().npub)) },
    },
    {
      path: "/api/inbox/dismiss",
      post: {
        guard: "inbox",
        body(value) {
          const given = objectOf(value);
          const legacy = core.revision === "seed" ? idsKey(given, "pr_ids") : undefined;
          const ids = idsKey(given, "branch_ids") ?? legacy ?? [];
          return boolKey(given, "all") === true ? "all" : ids;
        },
        run: ({ rights, body }) =>
          json(dismiss(core, rights().npub, body === "all" ? "all" : (body as number[]))),
      },
    },
    {
      path: "/api/inbox/neighbors/:id",
      get: {
        guard: "inbox",
        run: ({ rights, ids }) => json(neighbors(core, rights().npub, ids[0] ?? 0n)),
      },
    },
  ];
  if (core.revision === "seed") return paths;
  return [
    ...paths,
    {
      path: "/api/inbox/reviewed/:id",
      post: {
        guard: "inbox",
        run: ({ rights, ids }) => json(markReviewed(core, rights().npub, ids[0] ?? 0n)),
      },
    },
  ];
}

const entryOf = (row: AllowRow) => ({
  npub: row.npub,
  active: row.active,
  can_forge_write: row.canForgeWrite,
  note: row.note,
  updated_by: row.updatedBy,
  updated_at: sqlTime(row.updatedAt),
});

interface AllowBody {
  readonly npub: string;
  readonly active: boolean;
  readonly canForgeWrite: boolean;
  readonly note: string | null;
}

function allowBody(value: unknown): AllowBody {
  const given = objectOf(value);
  const active = boolKey(given, "active");
  if (active === undefined) throw new Error("missing field `active`");
  const note = given.note ?? null;
  if (note !== null && typeof note !== "string") throw new Error("note: expected a string");
  return {
    npub: stringKey(value, "npub"),
    active,
    canForgeWrite: boolKey(given, "can_forge_write") ?? false,
    note: note === null || note.trim() === "" ? null : note.trim(),
  };
}

function adminPaths(core: Core, loop: Loop): Path[] {
  const managed = "This pubkey is managed by config and cannot be changed from the admin page";
  return [
    {
      path: "/api/admin/allowlist",
      get: {
        guard: "admin",
        run: () =>
          json({
            bootstrap_admin_npubs: [...core.admins].sort(),
            ...(core.revision === "seed"
              ? { legacy_allowed_npubs: [...core.legacyAllowed].sort() }
              : {}),
            entries: [...core.allow.values()]
              .sort((a, b) => (a.npub < b.npub ? -1 : 1))
              .map(entryOf),
          }),
      },
      post: {
        guard: "admin",
        body: allowBody,
        run({ body, rights }) {
          const given = body as AllowBody;
          const npub = normalNpub(given.npub);
          if (core.admins.includes(npub) || core.legacyAllowed.includes(npub)) {
            throw refuse(400, managed);
          }
          const { row, backfilled } = upsertAllow(core, { ...given, npub }, rights().npub);
          return json({ entry: entryOf(row), backfilled });
        },
      },
    },
    {
      path: "/api/admin/forge-status",
      get: { guard: "admin", run: () => json(forgeStatus(core)) },
    },
    {
      path: "/api/admin/mirror/sync",
      post: {
        guard: "admin",
        async run() {
          const told = await syncByHand(core);
          void loop.wake();
          return json(told);
        },
      },
    },
  ];
}

const sub = (core: Core, of: "poller" | "other") => {
  const { health } = core;
  const at = (ms: number | null) => (ms === null ? null : msTime(ms));
  const mine = of === "poller";
  return {
    state: mine && health.error !== null ? "error" : mine && health.activeAt ? "active" : "idle",
    last_checked_at: at(health.checkedAt),
    last_activity_at: mine ? at(health.activeAt) : null,
    last_error_at: mine ? at(health.errorAt) : null,
    summary: mine ? (health.error ?? health.summary) : null,
  };
};

function forgeStatus(core: Core) {
  const configured = core.options.mirror !== undefined;
  const history = [...core.mirrorRuns].reverse().slice(0, 12);
  const last = history[0];
  const at = (status: string) => {
    const run = history.find((one) => one.status === status);
    return run === undefined ? null : sqlTime(run.at);
  };
  const secret = core.options.webhookSecret !== null;
  const missing = { severity: "error", code: "webhook_secret_missing", message: "no secret" };
  const background = { background_enabled: configured };
  const interval = { background_interval_secs: configured ? mirrorSeconds : null };
  const state = !configured ? "disabled" : last?.status === "failed" ? "error" : "idle";
  return {
    forge_health: {
      enabled: true,
      issues: secret ? [] : [missing],
      poller: sub(core, "poller"),
      generation_worker: sub(core, "other"),
      ci: sub(core, "other"),
      mirror: {
        state,
        ...background,
        ...interval,
        last_success_at: at("success"),
        last_failure_at: at("failed"),
        summary: last?.error ?? null,
      },
    },
    mirror_runtime: {
      configured,
      remote_name: configured ? mirrorRemote : null,
      ...background,
      ...interval,
      github_token_env: "GITHUB_TOKEN",
      ...(core.revision === "seed"
        ? {}
        : { timeout_secs: configured ? mirrorTimeoutSeconds : null, active_run: null }),
    },
    mirror_status: configured ? mirrorStatus(core, history, at) : null,
    mirror_history: history.map((run) => mirrorRun(core, run)),
  };
}

function mirrorStatus(
  core: Core,
  history: readonly MirrorRow[],
  at: (status: string) => string | null,
) {
  const last = history[0];
  const newest = [...core.mirrorRuns].reverse().slice(0, 32);
  const good = newest.findIndex(({ status }) => status === "success");
  return {
    remote_name: mirrorRemote,
    last_attempt: last === undefined ? null : mirrorRun(core, last),
    last_success_at: at("success"),
    last_failure_at: at("failed"),
    consecutive_failure_count: good < 0 ? newest.length : good,
    current_lagging_ref_count: last?.lagging ?? null,
    current_failure_kind: last === undefined ? null : mirrorFailureKind(core, last.error),
  };
}

const mirrorRun = (core: Core, run: MirrorRow) => ({
  id: run.id,
  remote_name: mirrorRemote,
  trigger_source: run.trigger,
  status: run.status,
  failure_kind: mirrorFailureKind(core, run.error),
  local_default_head: run.localHead,
  remote_default_head: run.remoteHead,
  lagging_ref_count: run.lagging,
  synced_ref_count: run.synced,
  error_text: run.error,
  created_at: sqlTime(run.at),
  finished_at: sqlTime(run.at),
});
