import { describe, expect, test } from "vitest";
import { connectPika } from "../../../src/forges/pika.ts";
import { newSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import {
  type Answering,
  cut,
  failureOf,
  httpDouble,
  inTurn,
  json,
  quickClock,
} from "../../support/agent-half.ts";

const head = "a".repeat(40);
const merge = "c".repeat(40);

const branch = {
  branch_id: 7,
  repo: "o/r",
  branch_name: "x",
  title: "X",
  branch_state: "open",
  updated_at: "2026-03-20 17:25:41",
  target_branch: "master",
  head_sha: head,
  merge_base_sha: "b".repeat(40),
  merge_commit_sha: null,
  tutorial_status: "ready",
  ci_status: "success",
};
const green = {
  id: 1,
  source_head_sha: head,
  status: "success",
  lane_count: 0,
  rerun_of_run_id: null,
  created_at: "2026-03-20 17:25:41",
  lanes: [],
};
const detail = (change: object = {}, run: object = {}) =>
  json(200, { branch: { ...branch, ...change }, ci_runs: [{ ...green, ...run }] });

const login = (prefix: string, admin = false): Record<string, Answering> => ({
  [`POST ${prefix}/auth/challenge`]: json(200, { challenge: "c" }),
  [`POST ${prefix}/auth/verify`]: json(200, {
    token: "t",
    npub: "npub1x",
    is_admin: admin,
    can_forge_write: true,
  }),
  [`GET ${prefix}/api/me`]: json(200, {
    npub: "npub1x",
    is_admin: admin,
    can_chat: true,
    can_forge_write: true,
  }),
});
const about = {
  "GET /git/api/forge/about": json(200, {
    name: "forge-landing-kit",
    version: "1.0.0",
    protocol: 1,
    instance: "i",
    repo: "o/r",
    target: "main",
    landing_rule: "queue",
    recovery: ["wake", "rerun_lane", "time_travel"],
    isolation: "none",
    draining: false,
    frozen: null,
  }),
};

async function connected(routes: Readonly<Record<string, Answering>>, target?: string) {
  const double = await httpDouble(routes);
  const forge = connectPika({
    name: "double",
    baseUrl: double.origin,
    signer: signerOf(newSecretKey()),
    target,
    clock: quickClock(),
  });
  const merges = () => double.seen.filter(({ path }) => path.endsWith("/merge"));
  return { double, forge, merges };
}

const ours = { ...login("/git"), ...about };
const request = { branchId: "7", head, force: undefined };
const mergePath = "POST /git/api/forge/branch/7/merge";
const detailPath = "GET /git/api/forge/branch/7";
const merged = json(200, { status: "ok", branch_id: 7, merge_commit_sha: merge, deleted: null });

describe("capabilities", () => {
  test("of a forge of ours are what it says, without what we do not know", async () => {
    const { forge } = await connected(ours);
    expect(await forge.capabilities()).toEqual({
      changes: "events",
      head: "pinned",
      landingRule: "queue",
      changeRequestNeeded: false,
      recovery: ["rerun_lane", "wake"],
      target: "main",
      version: "1.0.0",
    });
  });

  test.each([
    ["/git", ["rerun_lane", "requeue", "fail", "recover", "wake"]],
    ["/news", ["rerun_lane"]],
  ])("of the reference under %s are fewer", async (prefix, recovery) => {
    const { forge } = await connected(login(prefix), "master");
    expect(await forge.capabilities()).toMatchObject({
      changes: "polling",
      head: "compared",
      recovery,
      target: "master",
      version: undefined,
    });
    expect(await failureOf(forge.branches({}))).toMatchObject({ code: "unsupported" });
    expect(await failureOf(forge.queue({}))).toMatchObject({ code: "unsupported" });
  });

  test("without a target say how to get it", async () => {
    const { forge } = await connected(login("/news"));
    expect(await failureOf(forge.capabilities())).toMatchObject({
      next: expect.stringContaining("set-head"),
    });
  });
});

describe("a branch", () => {
  test("is found by its name, under the earlier prefix too", async () => {
    const resolved = { branch_id: 7, repo: "o/r", branch_name: "x", branch_state: "open" };
    const { forge, double } = await connected({
      ...login("/news"),
      "GET /news/api/forge/branch/resolve": json(200, resolved),
      "GET /news/api/forge/branch/7": detail(),
    });
    expect(await forge.branch({ name: "x" })).toMatchObject({ id: "7", head });
    expect(forge.url("7")).toBe(`${double.origin}/news/branch/7`);
    expect(await forge.branch({ name: "y" })).toBeUndefined();
  });

  test.each(["0x1", "-1", "../../me", "1e3", "", "9".repeat(30)])(
    "of the number %j is not even asked for",
    async (id) => {
      const { forge, double } = await connected(ours);
      expect(await forge.branch({ id })).toBeUndefined();
      expect(double.seen).toEqual([]);
    },
  );
});

describe("a landing", () => {
  test("names the head it merges", async () => {
    const { forge, merges } = await connected({ ...ours, [mergePath]: merged });
    expect(await forge.requestLanding(request)).toEqual({ state: "merged", mergeCommit: merge });
    expect(JSON.parse(merges()[0]?.body ?? "")).toEqual({ head_sha: head });
  });

  test("that is handed to a queue is so told", async () => {
    const queued = json(200, { status: "queued", branch_id: 7, deleted: null });
    const { forge } = await connected({ ...ours, [mergePath]: queued });
    expect(await forge.requestLanding(request)).toMatchObject({ state: "queued" });
  });

  test("whose answer was lost is found done, and not asked again", async () => {
    const { forge, merges } = await connected({
      ...ours,
      [mergePath]: cut,
      [detailPath]: detail({ branch_state: "merged", merge_commit_sha: merge }),
    });
    expect(await forge.requestLanding(request)).toEqual({ state: "merged", mergeCommit: merge });
    expect(merges()).toHaveLength(1);
  });

  test("whose answer was lost before anything happened is asked again, with the same head", async () => {
    const { forge, merges } = await connected({
      ...ours,
      [mergePath]: inTurn(cut, merged),
      [detailPath]: detail(),
    });
    expect(await forge.requestLanding(request)).toEqual({ state: "merged", mergeCommit: merge });
    expect(merges().map(({ body }) => JSON.parse(body))).toEqual([
      { head_sha: head },
      { head_sha: head },
    ]);
  });

  test("that ended while it was asked again is found done", async () => {
    const { forge } = await connected({
      ...ours,
      [mergePath]: inTurn(cut, json(409, { error: "not open", code: "branch_not_open" })),
      [detailPath]: inTurn(detail(), detail({ branch_state: "merged", merge_commit_sha: merge })),
    });
    expect(await forge.requestLanding(request)).toEqual({ state: "merged", mergeCommit: merge });
  });

  test.each([
    ["another head", { head_sha: "d".repeat(40) }],
    [
      "another head's merge",
      { head_sha: "d".repeat(40), branch_state: "merged", merge_commit_sha: merge },
    ],
    ["a closed branch", { branch_state: "closed" }],
  ])("whose answer was lost is not repeated for %s", async (_what, change) => {
    const { forge, merges } = await connected({
      ...ours,
      [mergePath]: cut,
      [detailPath]: detail(change),
    });
    expect(await failureOf(forge.requestLanding(request))).toMatchObject({
      code: "forge_unreachable",
    });
    expect(merges()).toHaveLength(1);
  });

  test("that the forge refuses is not repeated", async () => {
    const refused = json(409, { error: "moved", code: "target_moved", target_sha: merge });
    const { forge, merges } = await connected({ ...ours, [mergePath]: refused });
    expect(await failureOf(forge.requestLanding(request))).toMatchObject({
      code: "target_moved",
      facts: { target: merge },
    });
    expect(merges()).toHaveLength(1);
  });
});

describe("a landing on the reference, which has no guards of its own", () => {
  const newsMerge = "POST /news/api/forge/branch/7/merge";
  const newsDetail = "GET /news/api/forge/branch/7";

  test("compares head and CI first", async () => {
    const { forge, merges } = await connected({
      ...login("/news"),
      [newsDetail]: detail(),
      [newsMerge]: merged,
    });
    expect(await forge.requestLanding(request)).toMatchObject({ state: "merged" });
    expect(merges()).toHaveLength(1);
  });

  test.each([
    ["head_moved", { head_sha: "d".repeat(40) }, {}, "at another head"],
    ["ci_not_green", {}, { status: "failed" }, "its run failed"],
    ["ci_not_green", {}, { status: "running" }, "its run has not finished"],
    ["ci_not_green", {}, { source_head_sha: "d".repeat(40) }, "there is no run for it yet"],
    ["ci_not_green", {}, { rerun_of_run_id: 3 }, "there is no run for it yet"],
  ])("is refused as %s without asking", async (code, change, run, words) => {
    const { forge, merges } = await connected({
      ...login("/news"),
      [newsDetail]: detail(change, run),
      [newsMerge]: merged,
    });
    expect(await failureOf(forge.requestLanding(request))).toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect(merges()).toEqual([]);
  });

  test.each([true, false])("is forced by an admin alone (%s)", async (admin) => {
    const { forge, merges } = await connected({
      ...login("/news", admin),
      [newsDetail]: detail({}, { status: "failed" }),
      [newsMerge]: merged,
    });
    const forced = forge.requestLanding({ ...request, force: { reason: "fire" } });
    if (admin) expect(await forced).toMatchObject({ state: "merged" });
    else expect(await failureOf(forced)).toMatchObject({ code: "force_refused" });
    expect(merges()).toHaveLength(admin ? 1 : 0);
  });
});

describe("closing", () => {
  const closePath = "POST /git/api/forge/branch/7/close";
  const close = { branchId: "7", head, reason: undefined };

  test("whose answer was lost is found done", async () => {
    const { forge } = await connected({
      ...ours,
      [closePath]: cut,
      [detailPath]: detail({ branch_state: "closed" }),
    });
    await forge.close(close);
  });

  test("whose answer was lost and that did nothing is told", async () => {
    const { forge } = await connected({ ...ours, [closePath]: cut, [detailPath]: detail() });
    expect(await failureOf(forge.close(close))).toMatchObject({ code: "forge_unreachable" });
  });
});

describe("recovery", () => {
  test("needs what it acts on", async () => {
    const { forge } = await connected(ours);
    const nothing = { branchId: undefined, lane: undefined, laneRun: undefined, run: undefined };
    expect(await failureOf(forge.recover({ action: "rerun_lane", ...nothing }))).toMatchObject({
      code: "bad_argument",
    });
    expect(
      await failureOf(forge.recover({ action: "rerun_lane", ...nothing, branchId: "7" })),
    ).toMatchObject({ code: "bad_argument", next: expect.stringContaining("lane") });
    expect(await failureOf(forge.recover({ action: "cancel", ...nothing }))).toMatchObject({
      code: "unsupported",
      next: expect.stringContaining("rerun_lane"),
    });
  });
});
