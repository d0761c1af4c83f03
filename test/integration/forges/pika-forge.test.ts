import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judgeHead } from "../../../src/domain/checks.ts";
import { eventHubOf } from "../../../src/forges/event-hub.ts";
import type { Forge, ForgeBranch } from "../../../src/forges/forge.ts";
import { connectPika } from "../../../src/forges/pika.ts";
import { newSecretKey, parseSecretKey } from "../../../src/identity/keys.ts";
import { type Signer, signerOf } from "../../../src/identity/signer.ts";
import { failureOf, temporaryFolder } from "../../support/agent-half.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let server: TestForge;
let agent: Forge;
let owner: Forge;

const signerFor = (key: { nsec: string }): Signer => signerOf(parseSecretKey(key.nsec));
const connect = (signer: Signer, sessionFile?: string) =>
  connectPika({ name: "local", baseUrl: server.origin, signer, sessionFile });
const deadline = () => AbortSignal.timeout(15_000);

beforeAll(async () => {
  server = await startTestForge();
  agent = connect(signerFor(server.agent));
  owner = connect(signerFor(server.owner));
});
afterAll(() => server.close());

/** The branch once something holds for it: subscribe, read, wait for a change, read again. */
async function until(
  name: string,
  holds: (branch: ForgeBranch) => boolean,
  forge = agent,
): Promise<ForgeBranch> {
  const changes = eventHubOf(forge).subscribe();
  const signal = deadline();
  try {
    for (;;) {
      const branch = await forge.branch({ name }, signal);
      if (branch !== undefined && holds(branch)) return branch;
      await changes.next(signal, 15_000);
    }
  } finally {
    changes.close();
  }
}
const settled = (head: string) => (branch: ForgeBranch) =>
  branch.head === head && !["pending", "none"].includes(judgeHead(head, branch.runs));

describe("who we are", () => {
  test("is the key's own rights", async () => {
    expect(await agent.identity()).toEqual({
      npub: server.agent.npub,
      name: "agent",
      admin: false,
      canLand: true,
    });
    expect(await owner.identity()).toMatchObject({ npub: server.owner.npub, admin: true });
    const stranger = connect(signerOf(newSecretKey()));
    expect(await failureOf(stranger.identity())).toMatchObject({ code: "unauthorized" });
  });

  test("is remembered in a private file that the reference client can read", async () => {
    const sessionFile = join(await temporaryFolder(), "agent.json");
    await connect(signerFor(server.agent), sessionFile).identity();
    const session = JSON.parse(await readFile(sessionFile, "utf8"));
    expect(Object.keys(session)).toEqual([
      "base_url",
      "token",
      "npub",
      "is_admin",
      "can_forge_write",
    ]);
    expect(session).toMatchObject({ base_url: server.origin, npub: server.agent.npub });
    expect((await stat(sessionFile)).mode & 0o777).toBe(0o600);
    const again = connectPika({ name: "local", baseUrl: server.origin, sessionFile });
    expect((await again.identity()).npub).toBe(server.agent.npub);
  });
});

test("what the forge can do", async () => {
  expect(await agent.capabilities()).toMatchObject({
    changes: "events",
    head: "pinned",
    landingRule: "up_to_date",
    target: "main",
  });
});

test("a branch goes from push to merge", async () => {
  const head = await server.push("feature", { "f.txt": "1" });
  await agent.ensureChange("feature", head);
  expect((await agent.branch({ name: "feature" }))?.head).toBe(head);
  const green = await until("feature", settled(head));
  expect(judgeHead(head, green.runs)).toBe("green");
  expect(await agent.checks(green.id, head)).toHaveLength(1);
  expect(await agent.checks(green.id, "f".repeat(40))).toEqual([]);

  const log = await agent.log({
    branchId: green.id,
    lane: "check",
    laneRun: undefined,
    offset: undefined,
    maxBytes: 1000,
  });
  expect(log).toMatchObject({ lane: "check", status: "success", offset: 0 });
  expect(log.text).toContain("checking");

  const other = agent.requestLanding({
    branchId: green.id,
    head: "f".repeat(40),
    force: undefined,
  });
  expect(await failureOf(other)).toMatchObject({ code: "head_moved" });
  const landed = await agent.requestLanding({ branchId: green.id, head, force: undefined });
  expect(landed).toMatchObject({ state: "merged" });
  const merged = await agent.branch({ id: green.id });
  expect(merged).toMatchObject({
    state: "merged",
    mergeCommit: landed.state === "merged" ? landed.mergeCommit : "",
  });
  const twice = agent.requestLanding({ branchId: green.id, head, force: undefined });
  expect(await failureOf(twice)).toMatchObject({ code: "branch_not_open" });
  expect(agent.url(green.id)).toBe(`${server.origin}/git/branch/${green.id}`);
});

describe("a red branch", () => {
  test("is refused, forced by the owner alone, with the reason on record", async () => {
    const target = await server.git(["ls-remote", "forge", "refs/heads/main"]);
    await server.git(["fetch", "-q", "forge"]);
    const head = await server.push("red", { fail: "1" }, target.split("\t")[0]);
    const red = await until("red", settled(head));
    const request = { branchId: red.id, head, force: undefined };
    expect(await failureOf(agent.requestLanding(request))).toMatchObject({
      code: "ci_not_green",
      next: expect.any(String),
    });
    const forced = { ...request, force: { reason: "the house is on fire" } };
    expect(await failureOf(agent.requestLanding(forced))).toMatchObject({
      code: expect.stringMatching(/^(force_refused|forbidden)$/),
    });
    expect(await owner.requestLanding(forced)).toMatchObject({ state: "merged" });
  });

  test("is closed at the head that was named", async () => {
    const head = await server.push("unwanted", { "g.txt": "1" });
    const branch = await until("unwanted", (found) => found.head === head);
    const other = { branchId: branch.id, head: "f".repeat(40), reason: undefined };
    expect(await failureOf(agent.close(other))).toMatchObject({ code: "head_moved" });
    await agent.close({ branchId: branch.id, head, reason: "not wanted" });
    expect(await agent.branch({ id: branch.id })).toMatchObject({ state: "closed" });
  });
});

test("lists go on where they ended", async () => {
  for (const name of ["l1", "l2", "l3"]) await server.push(name, { [name]: "1" });
  await agent.ensureChange("l3", "");
  const first = await agent.branches({ state: "open", limit: 2 });
  expect(first.items).toHaveLength(2);
  const rest = await agent.branches({ state: "open", limit: 2, cursor: first.next ?? "" });
  const names = [...first.items, ...rest.items].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(["l1", "l2", "l3"]));
});

test("the queue and what can be recovered", async () => {
  expect(await agent.queue({ limit: 5 })).toMatchObject({ frozen: undefined });
  const head = await server.push("again", { "h.txt": "1" });
  const branch = await until("again", settled(head));
  const request = { branchId: branch.id, laneRun: undefined, run: undefined };
  const said = await agent.recover({ action: "rerun_lane", lane: "check", ...request });
  expect(said).toMatch(/runs again as run #\d+/);
  const rerun = await until("again", (found) => found.runs.some((run) => run.partial));
  expect(judgeHead(head, rerun.runs)).toBe("green");
  expect(
    await failureOf(agent.recover({ action: "rerun_lane", lane: "none", ...request })),
  ).toMatchObject({ code: "not_found" });
  const wake = { action: "wake", lane: undefined, ...request, branchId: undefined } as const;
  expect(await agent.recover(wake)).toContain("now");
});

describe("what is not there", () => {
  test("is undefined or told", async () => {
    expect(await agent.branch({ name: "no/such" })).toBeUndefined();
    expect(await agent.branch({ id: "999999" })).toBeUndefined();
    const log = { branchId: "1", lane: undefined, laneRun: "999999", offset: undefined };
    expect(await failureOf(agent.log({ ...log, maxBytes: 10 }))).toMatchObject({
      code: "not_found",
    });
  });

  test.each(["h/a;b", "h/größe", "h/'\"$(x)"])("%s is a name like any other", async (name) => {
    const head = await server.push(name, { hostile: name });
    await agent.ensureChange(name, head);
    expect(await agent.branch({ name })).toMatchObject({ name, head });
  });
});

test("a forge that restarts is followed on, with nothing lost and no new login", async () => {
  let running = await startTestForge();
  const sessionFile = join(await temporaryFolder(), "s.json");
  const forge = connectPika({
    name: "local",
    baseUrl: () => running.origin,
    signer: signerOf(parseSecretKey(running.agent.nsec)),
    sessionFile,
  });
  const stop = new AbortController();
  try {
    const seen = forge.watch(undefined, stop.signal)[Symbol.asyncIterator]();
    expect((await seen.next()).value?.kind).toBe("hello");
    const { port } = running.server;
    const token = JSON.parse(await readFile(sessionFile, "utf8")).token;
    running = await running.restart({ port });
    await running.push("after", { "a.txt": "1" });
    for (;;) {
      const next = await seen.next();
      if (next.done === true) throw new Error("the watch ended");
      if (next.value.kind === "branch_opened") break;
    }
    expect(await forge.branch({ name: "after" })).toMatchObject({ state: "open" });
    expect(JSON.parse(await readFile(sessionFile, "utf8")).token).toBe(token);
  } finally {
    stop.abort();
    await running.close();
  }
});
