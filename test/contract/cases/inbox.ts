import { newKey } from "../../support/login.ts";
import { answers, type Case, plainly, refuses, row } from "../case.ts";
import { tokenFor } from "../logins.ts";
import { bool, type Check, count, is, keys, list, nullOr, sqlTime, str } from "../match.ts";
import type { Key, Pushed, World } from "../world.ts";
import { act } from "./branches.ts";

const seed = ["seed"] as const;
const head = ["head"] as const;
const later = (world: World, more: Record<string, Check>) =>
  world.revision === "head" ? more : {};
const earlier = (world: World, more: Record<string, Check>) =>
  world.revision === "seed" ? more : {};

/** A key of its own with one branch in its inbox. */
interface Reader {
  readonly token: string;
  readonly pushed: Pushed;
}

export const letIn = (world: World, key: Key, row: Record<string, unknown>) =>
  world.ask({
    method: "POST",
    path: "/api/admin/allowlist",
    as: "admin",
    body: { npub: key.npub, ...row },
  });

async function readerWith(world: World, unique: string): Promise<Reader> {
  const key = newKey();
  const added = await letIn(world, key, { active: true });
  if (added.status !== 200) throw new Error(added.text);
  const token = await tokenFor(world, key.nsec);
  await world.ask({
    method: "POST",
    path: "/api/inbox/dismiss",
    as: { token },
    body: { all: true },
  });
  const pushed = await world.push(unique, "success");
  await world.tutorial(pushed);
  return { token, pushed };
}

const item = (world: World, { id, name }: Pushed) =>
  keys({
    review_id: is(id),
    branch_id: is(id),
    ...earlier(world, { pr_id: is(null), pr_number: is(null), url: is(null) }),
    repo: is(world.slug),
    branch_name: is(name),
    title: str,
    state: is("open"),
    updated_at: str,
    generation_status: is("ready"),
    reason: world.revision === "seed" ? is("generation_ready") : is("new_commits"),
    inbox_created_at: sqlTime,
    ...later(world, { needs_review: bool, last_reviewed_at: nullOr(sqlTime) }),
  });

const page = (world: World, pushed: Pushed | null, number = 1) =>
  answers(
    keys({
      items: (value, at, how) => {
        const wanted = pushed === null ? 0 : 1;
        const one = pushed === null ? () => [] : item(world, pushed);
        const many = Array.isArray(value) && value.length === wanted;
        return many
          ? list(one)(value, at, how)
          : [`${at}: expected ${wanted}, got ${JSON.stringify(value)}`];
      },
      total: count,
      ...later(world, { review_needed: count }),
      page: is(number),
    }),
  );

const inbox = (name: string, query: string, number: number) =>
  row<Reader>({
    section: "2.7",
    name,
    arrange: readerWith,
    call: ({ token }) => ({ method: "GET", path: `/api/inbox${query}`, as: { token } }),
    expect: ({ pushed }, world) => page(world, number === 1 ? pushed : null, number),
  });

export const inboxCases: readonly Case[] = [
  inbox("the inbox has the branch whose tutorial is ready", "", 1),
  inbox("its first page", "?page=1", 1),
  inbox("a page below one is the first", "?page=-3", 1),
  inbox("a page beyond the end is empty", "?page=9", 9),
  row<Reader>({
    section: "2.7",
    name: "a page that is no number",
    arrange: readerWith,
    call: ({ token }) => ({ method: "GET", path: "/api/inbox?page=x", as: { token } }),
    expect: plainly(400, /^Failed to deserialize query string: /),
  }),
  row<Reader>({
    section: "2.7",
    name: "how many wait",
    arrange: readerWith,
    call: ({ token }) => ({ method: "GET", path: "/api/inbox/count", as: { token } }),
    expect: answers(keys({ count: is(1) })),
  }),
  row<Reader>({
    section: "2.7",
    name: "the only item has no neighbours",
    arrange: readerWith,
    call: ({ token, pushed }) => ({
      method: "GET",
      path: `/api/inbox/neighbors/${pushed.id}`,
      as: { token },
    }),
    expect: answers(keys({ prev: is(null), next: is(null), position: is(1), total: is(1) })),
  }),
  row<Reader>({
    section: "2.7",
    name: "a branch that is not in the inbox has no neighbours",
    arrange: readerWith,
    call: ({ token }) => ({ method: "GET", path: "/api/inbox/neighbors/404404", as: { token } }),
    expect: refuses(404, "inbox item not found"),
  }),
  ...(
    [
      ["by id", (id: number) => ({ branch_ids: [id] }), 1],
      ["of another id", () => ({ branch_ids: [404_404] }), 0],
      ["of none", () => ({}), 0],
      ["of all", () => ({ all: true }), 1],
      ["with all false and ids", (id: number) => ({ all: false, branch_ids: [id] }), 1],
    ] as const
  ).map(([name, body, dismissed]) =>
    row<Reader>({
      section: "2.7",
      name: `dismissal ${name}`,
      arrange: readerWith,
      call: ({ token, pushed }) => ({
        method: "POST",
        path: "/api/inbox/dismiss",
        as: { token },
        body: body(pushed.id),
      }),
      expect: answers(keys({ dismissed: is(dismissed) })),
    }),
  ),
  ...([true, false] as const).map((mine) =>
    row<Reader>({
      section: "2.7",
      name: mine ? "an item is marked as reviewed" : "nothing is marked where there is no item",
      on: head,
      arrange: readerWith,
      call: ({ token, pushed }) => ({
        method: "POST",
        path: `/api/inbox/reviewed/${mine ? pushed.id : 404_404}`,
        as: { token },
      }),
      expect: answers(keys({ marked: is(mine ? 1 : 0) })),
      async after({ token }, world) {
        const reply = await world.ask({ method: "GET", path: "/api/inbox/count", as: { token } });
        if (reply.json?.count !== (mine ? 0 : 1)) throw new Error(reply.text);
      },
    }),
  ),
  ...([seed, head] as const).map((on) =>
    row<Reader>({
      section: "2.7",
      name: "a merged branch",
      on,
      async arrange(world, unique) {
        const reader = await readerWith(world, unique);
        await act(world, `/api/forge/branch/${reader.pushed.id}/merge`);
        return reader;
      },
      call: ({ token }) => ({ method: "GET", path: "/api/inbox/count", as: { token } }),
      expect: answers(keys({ count: is(on === seed ? 0 : 1) })),
    }),
  ),
];
