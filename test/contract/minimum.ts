import { beforeAll, describe, expect, it } from "vitest";
import { tokenFor } from "./logins.ts";
import type { Call, Pushed, Reply, Revision, World } from "./world.ts";

type Kind = "int" | "count" | "string" | "boolean" | "object" | "list";
// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
type Answer = any;

/** What the client needs of one answer: without one of these keys it stops. */
interface Need {
  readonly name: string;
  readonly on?: readonly Revision[];
  readonly get: (made: Made) => Answer;
  readonly keys: Readonly<Record<string, Kind>>;
}

/** Every kind of answer once. */
interface Made {
  readonly challenge: Answer;
  readonly verify: Answer;
  readonly me: Answer;
  readonly resolve: Answer;
  readonly detail: Answer;
  readonly logs: Answer;
  readonly merge: Answer;
  readonly close: Answer;
  readonly nightly: Answer;
  readonly fail: Answer;
  readonly requeue: Answer;
  readonly recover: Answer;
  readonly wake: Answer;
}

const head: readonly Revision[] = ["head"];
const lane = {
  id: "int",
  lane_id: "string",
  title: "string",
  entrypoint: "string",
  status: "string",
  retry_count: "count",
  created_at: "string",
} as const;
const landing = { status: "string", branch_id: "int" } as const;
const action = { status: "string", lane_run_id: "int", lane_status: "string" } as const;

const needs: readonly Need[] = [
  { name: "challenge", get: (made) => made.challenge, keys: { challenge: "string" } },
  {
    name: "verify",
    get: (made) => made.verify,
    keys: { token: "string", npub: "string", is_admin: "boolean", can_forge_write: "boolean" },
  },
  {
    name: "me",
    get: (made) => made.me,
    keys: {
      npub: "string",
      is_admin: "boolean",
      can_chat: "boolean",
      can_forge_write: "boolean",
    },
  },
  {
    name: "resolve",
    get: (made) => made.resolve,
    keys: { branch_id: "int", repo: "string", branch_name: "string", branch_state: "string" },
  },
  { name: "detail", get: (made) => made.detail, keys: { branch: "object", ci_runs: "list" } },
  {
    name: "detail's branch",
    get: (made) => made.detail.branch,
    keys: {
      branch_id: "int",
      repo: "string",
      branch_name: "string",
      title: "string",
      branch_state: "string",
      updated_at: "string",
      target_branch: "string",
      head_sha: "string",
      merge_base_sha: "string",
      tutorial_status: "string",
      ci_status: "string",
    },
  },
  {
    name: "detail's run",
    get: (made) => made.detail.ci_runs[0],
    keys: {
      id: "int",
      source_head_sha: "string",
      status: "string",
      lane_count: "count",
      created_at: "string",
      lanes: "list",
    },
  },
  { name: "detail's lane", get: (made) => made.detail.ci_runs[0].lanes[0], keys: lane },
  {
    name: "logs",
    get: (made) => made.logs,
    keys: { branch_id: "int", branch_name: "string", run_id: "int", lane: "object" },
  },
  { name: "logs' lane", get: (made) => made.logs.lane, keys: lane },
  { name: "merge", get: (made) => made.merge, keys: landing },
  { name: "close", get: (made) => made.close, keys: landing },
  {
    name: "nightly",
    on: head,
    get: (made) => made.nightly,
    keys: {
      nightly_run_id: "int",
      repo: "string",
      scheduled_for: "string",
      created_at: "string",
      source_ref: "string",
      source_head_sha: "string",
      status: "string",
      lanes: "list",
    },
  },
  { name: "nightly's lane", on: head, get: (made) => made.nightly.lanes[0], keys: lane },
  { name: "fail", on: head, get: (made) => made.fail, keys: action },
  { name: "requeue", on: head, get: (made) => made.requeue, keys: action },
  {
    name: "recover",
    on: head,
    get: (made) => made.recover,
    keys: { status: "string", recovered_lane_count: "count" },
  },
  {
    name: "wake",
    on: head,
    get: (made) => made.wake,
    keys: { status: "string", message: "string" },
  },
];

const holds: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  int: (value) => Number.isSafeInteger(value),
  count: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  list: (value) => Array.isArray(value),
};

/** The least that an unmodified client needs, key by key. */
export function checkMinimum(revision: Revision, world: () => World): void {
  let made: Made;
  beforeAll(async () => {
    made = await makeAll(world(), revision);
  });
  for (const need of needs.filter(({ on }) => on?.includes(revision) ?? true)) {
    describe(need.name, () => {
      it.each(Object.entries(need.keys))("has %s as %s", (key, kind) => {
        const answer = need.get(made);
        expect(answer).toHaveProperty([key]);
        expect(holds[kind](answer[key]), JSON.stringify(answer[key])).toBe(true);
      });
    });
  }
}

async function makeAll(world: World, revision: Revision): Promise<Made> {
  const ask = async (call: Call): Promise<Answer> => {
    const reply: Reply = await world.ask({ as: "writer", ...call });
    if (reply.status !== 200) throw new Error(`${call.path}: ${reply.status} ${reply.text}`);
    return reply.json;
  };
  const get = (path: string) => ask({ method: "GET", path });
  const post = (path: string) => ask({ method: "POST", path });
  const login = await loginAnswer(world);
  const green = await world.push("minimum-green", "success");
  const closed = await world.push("minimum-closed", "failed");
  const detail = await get(`/api/forge/branch/${green.id}`);
  const logs = await get(`/api/forge/branch/${green.id}/logs`);
  const resolve = await get(`/api/forge/branch/resolve?branch_name=${green.name}`);
  const rest = revision === "head" ? await laterAnswers(world, get, post) : noLaterAnswers;
  return {
    challenge: await post("/auth/challenge"),
    verify: login,
    me: await get("/api/me"),
    resolve,
    detail,
    logs,
    ...rest,
    merge: await post(`/api/forge/branch/${green.id}/merge`),
    close: await post(`/api/forge/branch/${closed.id}/close`),
  };
}

async function loginAnswer(world: World): Promise<Answer> {
  let answer: Answer;
  const ask: World["ask"] = async (call) => {
    const reply = await world.ask(call);
    answer = reply.json;
    return reply;
  };
  await tokenFor({ ask, origin: world.origin, prefix: world.prefix }, world.keys.writer.nsec);
  return answer;
}

type Later = Pick<Made, "nightly" | "fail" | "requeue" | "recover" | "wake">;
const noLaterAnswers: Later = { nightly: 0, fail: 0, requeue: 0, recover: 0, wake: 0 };

async function laterAnswers(
  world: World,
  get: (path: string) => Promise<Answer>,
  post: (path: string) => Promise<Answer>,
): Promise<Later> {
  const nightly = await world.nightly("success");
  const at = ({ id }: Pushed) => `/branch/${id}/ci`;
  const waiting = await world.push("minimum-waiting", "queued");
  return {
    nightly: await get(`/api/forge/nightly/${nightly.id}`),
    requeue: await post(`${at(waiting)}/requeue/${waiting.laneRunId}`),
    recover: await post(`${at(waiting)}/recover/${waiting.runId}`),
    fail: await post(`${at(waiting)}/fail/${waiting.laneRunId}`),
    wake: await post("/api/forge/ci/wake"),
  };
}
