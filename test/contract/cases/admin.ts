import { newKey } from "../../support/login.ts";
import { answers, type Case, refuses, row } from "../case.ts";
import { tokenFor } from "../logins.ts";
import {
  bool,
  type Check,
  count,
  int,
  is,
  keys,
  list,
  msTime,
  npub,
  nullOr,
  oneOf,
  sqlTime,
  str,
} from "../match.ts";
import type { Key, World } from "../world.ts";

import { letIn } from "./inbox.ts";

const later = (world: World, more: Record<string, Check>) =>
  world.revision === "head" ? more : {};
const earlier = (world: World, more: Record<string, Check>) =>
  world.revision === "seed" ? more : {};

const entry = (key: Key, also: Record<string, Check>) =>
  keys({
    npub: is(key.npub),
    active: bool,
    can_forge_write: bool,
    note: nullOr(str),
    updated_by: str,
    updated_at: sqlTime,
    ...also,
  });

const added = (key: Key, also: Record<string, Check>) =>
  answers(keys({ entry: entry(key, also), backfilled: count }));

const anEntry = keys({
  npub,
  active: bool,
  can_forge_write: bool,
  note: nullOr(str),
  updated_by: str,
  updated_at: sqlTime,
});

const add = (name: string, body: Record<string, unknown>, also: Record<string, Check>) =>
  row<Key>({
    section: "2.8",
    name,
    arrange: async () => newKey(),
    call: (key) => ({
      method: "POST",
      path: "/api/admin/allowlist",
      as: "admin",
      body: { npub: key.npub, ...body },
    }),
    expect: (key) => added(key, also),
  });

/** A key that was let in as a writer, logged in, and then changed. */
interface Changed {
  readonly key: Key;
  readonly token: string;
}
const changedTo = (change: Record<string, unknown>) => async (world: World) => {
  const key = newKey();
  await letIn(world, key, { active: true, can_forge_write: true });
  const token = await tokenFor(world, key.nsec);
  const reply = await letIn(world, key, change);
  if (reply.status !== 200) throw new Error(reply.text);
  return { key, token };
};

const me = (key: Key, chat: boolean, write: boolean) =>
  answers(
    keys({
      npub: is(key.npub),
      is_admin: is(false),
      can_chat: is(chat),
      can_forge_write: is(write),
    }),
  );
const readBranch = ({ token }: Changed) => ({
  method: "GET",
  path: "/api/forge/branch/resolve?branch_name=nothing",
  as: { token },
});
const whoAmI = ({ token }: Changed) => ({ method: "GET", path: "/api/me", as: { token } });

const allowCases: Case[] = [
  row({
    section: "2.8",
    name: "the allow list",
    call: () => ({ method: "GET", path: "/api/admin/allowlist", as: "admin" }),
    expect: (_facts, world) =>
      answers(
        keys({
          bootstrap_admin_npubs: is([world.keys.admin.npub]),
          ...earlier(world, { legacy_allowed_npubs: list(npub) }),
          entries: list(anEntry),
        }),
      ),
    async after(_facts, _world, { json }) {
      const all: string[] = json.entries.map((one: { npub: string }) => one.npub);
      if (all.join() !== [...all].sort().join()) throw new Error("not sorted");
    },
  }),
  add(
    "a writer is let in",
    { active: true, can_forge_write: true, note: "  Ada  " },
    {
      active: is(true),
      can_forge_write: is(true),
      note: str,
    },
  ),
  add("a reader is let in", { active: true }, { active: is(true), can_forge_write: is(false) }),
  add("a blank note is none", { active: true, note: "  " }, { note: is(null) }),
  add("an absent note is none", { active: true }, { note: is(null) }),
  row<Key>({
    section: "2.8",
    name: "a key in capitals is the same key",
    arrange: async () => newKey(),
    call: (key) => ({
      method: "POST",
      path: "/api/admin/allowlist",
      as: "admin",
      body: { npub: key.npub.toUpperCase(), active: true },
    }),
    expect: (key) => added(key, {}),
  }),
  ...["", "npub1", "x", "nsec1qqqq", "0".repeat(63), "g".repeat(64)].map((text) =>
    row({
      section: "2.8",
      name: `${JSON.stringify(text)} is no key`,
      call: () => ({
        method: "POST",
        path: "/api/admin/allowlist",
        as: "admin",
        body: { npub: text, active: true },
      }),
      expect: refuses(400, /^invalid nostr public key: /),
    }),
  ),
  row({
    section: "2.8",
    name: "the configuration's admin cannot be changed",
    call: (_facts, world) => ({
      method: "POST",
      path: "/api/admin/allowlist",
      as: "admin",
      body: { npub: world.keys.admin.npub, active: false },
    }),
    expect: refuses(
      400,
      "This pubkey is managed by config and cannot be changed from the admin page",
    ),
  }),
  row<Changed>({
    section: "1.7",
    name: "a deactivated key keeps forge write",
    arrange: changedTo({ active: false, can_forge_write: true }),
    call: whoAmI,
    expect: ({ key }) => me(key, false, true),
    differs: {
      row: "Rights of a deactivated key",
      expect: ({ key }: Changed) => me(key, false, false),
    },
  }),
  row<Changed>({
    section: "1.7",
    name: "a change that does not name forge write takes it",
    arrange: changedTo({ active: true }),
    call: whoAmI,
    expect: ({ key }) => me(key, true, false),
    differs: {
      row: "Allow list update",
      expect: ({ key }: Changed) => me(key, true, true),
    },
  }),
  row<Changed>({
    section: "1.8",
    name: "a key without rights is told so by a token that lives",
    arrange: changedTo({ active: false, can_forge_write: false }),
    call: whoAmI,
    expect: ({ key }) => me(key, false, false),
  }),
  row<Changed>({
    section: "1.7",
    name: "a key without rights reads on",
    arrange: changedTo({ active: false, can_forge_write: false }),
    call: readBranch,
    expect: refuses(404, "branch not found"),
    differs: { row: "Rights of a deactivated key", expect: refuses(403, /./) },
  }),
  row<Changed>({
    section: "1.7",
    name: "a key without rights does not land",
    arrange: changedTo({ active: false, can_forge_write: false }),
    call: ({ token }) => ({
      method: "POST",
      path: "/api/forge/branch/404404/merge",
      as: { token },
    }),
    expect: refuses(403, "trusted contributor access required"),
  }),
  row<Changed>({
    section: "1.7",
    name: "a key without rights has no inbox",
    arrange: changedTo({ active: false, can_forge_write: false }),
    call: ({ token }) => ({ method: "GET", path: "/api/inbox/count", as: { token } }),
    expect: (_facts, { revision }) =>
      refuses(403, revision === "seed" ? "chat access revoked" : "inbox access revoked"),
  }),
];

const sub = keys({
  state: oneOf("disabled", "idle", "active", "error"),
  last_checked_at: nullOr(msTime),
  last_activity_at: nullOr(msTime),
  last_error_at: nullOr(msTime),
  summary: nullOr(str),
});

const statusCases: Case[] = [
  row({
    section: "2.8",
    name: "how the forge is, without a mirror",
    call: () => ({ method: "GET", path: "/api/admin/forge-status", as: "admin" }),
    expect: (_facts, world) =>
      answers(
        keys({
          forge_health: keys({
            enabled: is(true),
            issues: list(keys({ severity: oneOf("error", "warning"), code: str, message: str })),
            poller: sub,
            generation_worker: sub,
            ci: sub,
            mirror: keys({
              state: is("disabled"),
              background_enabled: is(false),
              background_interval_secs: nullOr(int),
              last_success_at: nullOr(sqlTime),
              last_failure_at: nullOr(sqlTime),
              summary: nullOr(str),
            }),
          }),
          mirror_runtime: keys({
            configured: is(false),
            remote_name: is(null),
            background_enabled: is(false),
            background_interval_secs: nullOr(int),
            github_token_env: str,
            ...later(world, { timeout_secs: nullOr(int), active_run: is(null) }),
          }),
          mirror_status: is(null),
          mirror_history: is([]),
        }),
      ),
  }),
  row({
    section: "2.8",
    name: "a sync without a mirror",
    call: () => ({ method: "POST", path: "/api/admin/mirror/sync", as: "admin" }),
    expect: refuses(
      409,
      "mirror sync is unavailable; configure forge_repo.mirror_remote to enable mirroring",
    ),
  }),
];

export const adminCases: readonly Case[] = [...allowCases, ...statusCases];
