import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paths } from "../../../src/contract/paths.ts";
import { connectPika } from "../../../src/forges/pika.ts";
import { parseSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import { branchStatus } from "../../../src/operations/branch-status.ts";
import { inspectQueue } from "../../../src/operations/inspect-queue.ts";
import type { OperationContext } from "../../../src/operations/operation.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { connectPage } from "../../support/nightly.ts";
import { contextOn, memoryWorktree } from "../../support/operations.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const lane = (id: string, command: string, more = "", at = id) => `
[[branch.lanes]]
id = "${id}"
title = "${id}"
entrypoint = "${id}"
command = ["sh", "-c", ${JSON.stringify(command)}]
paths = ["${at}/**"]
${more}`;
const manifest = `version = 1
nightly_schedule_utc = "08:00"
${lane("quick", "true")}
${lane("device", "sleep 600", 'concurrency_group = "device"')}
${[1, 2, 3].map((n) => lane(`sick-${n}`, "unused", 'staged_linux_target = "linux"', "sick")).join("")}
${lane("red", "exit 3")}
${lane("broken", "echo infrastructure no device is plugged in > $FORGE_LANE_RESULT; exit 1")}
${lane("slow", "exec sleep 600", "timeout_seconds = 1")}
${lane("nothing", "echo skipped nothing to do here > $FORGE_LANE_RESULT")}
`;

// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
type Answer = any;

let forge: TestForge;
let token: string;
let context: OperationContext;
beforeAll(async () => {
  forge = await startTestForge({ manifest });
  await connect();
});
afterAll(() => forge?.close());

async function connect(): Promise<void> {
  token = await forge.login(forge.agent.nsec);
  const signer = signerOf(parseSecretKey(forge.agent.nsec));
  const client = connectPika({ name: "local", baseUrl: forge.origin, signer });
  context = contextOn(memoryWorktree(client));
}
const post = (path: string, body?: unknown) => forge.api("POST", path, body, token);
const push = (branch: string, of: string, from?: string) =>
  forge.push(branch, { [`${of}/${branch}`]: `${Math.random()}\n` }, from);
const firstLane = (detail: Answer) => detail.ci_runs[0]?.lanes[0];
const untilLane = async (branch: string, holds: (lane: Answer) => boolean): Promise<Answer> => {
  const detail = await forge.until(branch, token, (d) => {
    const found = firstLane(d);
    return found !== undefined && holds(found);
  });
  return { ...firstLane(detail), branchId: detail.branch.branch_id };
};
const untilReason = (branch: string, reason: string) =>
  untilLane(branch, (one) => one.execution_reason === reason);
const ended = (one: Answer) => !["queued", "running"].includes(one.status);

/** The same wait, told by status, queue, pages and tools. */
async function expectTold(branch: string, reason: string, words: RegExp): Promise<Answer> {
  const told = await untilReason(branch, reason);
  const id = told.branchId;
  expect(told.waits_for).toMatch(words);
  const query = `${paths.queue()}?branch_id=${id}`;
  const { json: queue } = await forge.api("GET", query, undefined, token);
  expect(queue.lanes[0]).toMatchObject({
    ...{ reason, waits_for: told.waits_for, until: told.waits_until },
    held_by_lane_run_id: told.held_by_lane_run_id,
  });
  for (const path of [`/git/branch/${id}`, `/git/branch/${id}/ci`]) {
    const page = (await forge.api("GET", path)).text.replaceAll("&quot;", '"');
    expect(page).toContain(told.execution_reason_label);
    expect(page).toMatch(words);
  }
  const status = await branchStatus.handle(context, { branch: String(id) });
  expect(status.lanes?.[0]).toMatchObject({ why: reason, waits_for: expect.stringMatching(words) });
  expect(branchStatus.render(status)).toMatch(words);
  const tool = await inspectQueue.handle(context, { branch: String(id) });
  expect(tool.lanes[0]).toMatchObject({ reason, waits_for: expect.stringMatching(words) });
  return told;
}

describe("why a lane waits", () => {
  it("for a concurrency group: by whom", async () => {
    await push("holder", "device");
    const holder = await untilReason("holder", "running");
    await push("behind", "device");
    const told = await expectTold(
      ...["behind", "blocked_by_concurrency_group"],
      /^.*group device, held by lane device of holder/m,
    );
    expect(told.held_by_lane_run_id).toBe(holder.id);
    expect(told.operator_hint).toContain("same concurrency group");
  });

  it("for capacity: how many slots are in use", async () => {
    forge.settings.ciConcurrency = 1;
    await push("late", "quick");
    await expectTold("late", "waiting_for_capacity", /a free slot; 1 of 1 are in use/);
    expect((await forge.api("GET", "/git")).text).toContain(
      "1 of 1 lanes run; waiting: 1 blocked by concurrency group, 1 waiting for scheduler capacity.",
    );
  });

  it("for a paused scheduler: by whom and since when, over a restart too", async () => {
    const { json: paused } = await post(paths.pauseCi());
    const words = new RegExp(`the scheduler, paused by ${forge.agent.npub} since ${paused.since}`);
    await expectTold("late", "scheduler_paused", words);
    forge = await forge.restart();
    await connect();
    await expectTold("late", "scheduler_paused", words);
    await expectTold("holder", "scheduler_paused", words);
    expect((await forge.api("GET", "/git")).text).toContain(`${forge.agent.npub} paused`);
    expect((await post(paths.resumeCi())).json).toMatchObject({ changed: true, waiting: 3 });
    const { branchId } = await untilReason("holder", "running");
    await expectTold("late", "waiting_for_capacity", /a free slot/);
    const { branchId: behind } = await untilLane("behind", () => true);
    for (const id of [behind, branchId]) await post(paths.cancelBranch(id));
    expect(await untilLane("late", ended)).toMatchObject({ status: "success" });
  });

  it("for an unhealthy CI target: since when, why and until when", async () => {
    forge.settings.ciConcurrency = 2;
    const scripts = join(forge.repoDir, "scripts");
    await mkdir(scripts);
    const script = join(scripts, "pikaci-staged-linux-remote.sh");
    await writeFile(script, "#!/bin/sh\nexit 75\n");
    await chmod(script, 0o755);
    await push("sick-1", "sick");
    const worn = await forge.until("sick-1", token, (d) => d.branch.ci_status === "failed");
    const kinds = worn.ci_runs[0].lanes.map((each: Answer) => each.failure_kind);
    expect(kinds).toEqual(["infrastructure", "infrastructure", "infrastructure"]);
    await push("sick-4", "sick", "sick-1");
    const told = await expectTold(
      ...["sick-4", "blocked_by_target_health"],
      /CI target linux, which fails since 20\S+Z \(exit code 75 \(temporary failure\)\)/,
    );
    expect(Date.parse(told.waits_until)).toBeGreaterThan(Date.now());
    expect((await forge.api("GET", "/git")).text).toMatch(
      /CI target linux fails since .* tried again at/,
    );
    const reset = await post(paths.resetHealth(), { target: "linux" });
    expect(reset.json).toMatchObject({ changed: true });
    await untilLane("sick-4", ended);
  });

  it("for a slot after its worker was lost with the forge", async () => {
    forge.settings.ciConcurrency = 0;
    await push("lost", "quick");
    const waiting = await untilReason("lost", "waiting_for_capacity");
    await forge.server.close();
    // As a forge that was killed while the lane ran leaves it behind.
    const store = openStore(forge.config.storeFile, { now: () => new Date() });
    const lease = { now: "2026-01-01T00:00:00.000Z", expiresAt: "2026-01-01T00:01:00.000Z" };
    store.write((tx) => {
      tx.claimLane(waiting.id, lease);
      tx.refoldRun(tx.lane(waiting.id)?.runId ?? 0);
    });
    store.close();
    forge = await forge.restart();
    await connect();
    const told = await expectTold(
      ...["lost", "stale_recovered"],
      /a free slot; 0 of 0 are in use; its worker was lost and it is tried again/,
    );
    expect(told.retry_count).toBe(1);
    forge.settings.ciConcurrency = 2;
    await post(paths.wake());
    expect(await untilLane("lost", ended)).toMatchObject({ status: "success" });
  });
});

describe("a page that is open", () => {
  it("hears that a lane waits for something else, and not of what changes nothing for it", async () => {
    forge.settings.ciConcurrency = 0;
    await push("watched", "quick");
    const { branchId } = await untilReason("watched", "waiting_for_capacity");
    const page = await connectPage(`${forge.origin}/git/branch/${branchId}/ci/stream`);
    expect(await page.next()).toContain("waiting for scheduler capacity");
    // Another branch's lane waits now too, which is nothing to this page.
    await push("elsewhere", "quick");
    await untilReason("elsewhere", "waiting_for_capacity");
    await post(paths.pauseCi());
    expect(await page.next()).toContain("scheduler paused");
    await post(paths.resumeCi());
    expect(await page.next()).toContain("waiting for scheduler capacity");
    await post(paths.cancelBranch(branchId));
    expect(await page.next()).toContain("cancelled");
  });

  it("costs one event, however many lanes are told", async () => {
    const kinds = async (after: number) => {
      const store = openStore(forge.config.storeFile, { now: () => new Date() });
      const events = store.read.eventsAfter(after, 500).map((event) => event.kind);
      const newest = store.read.newestEventSeq();
      store.close();
      return { events, newest };
    };
    for (const n of [1, 2, 3]) await push(`many-${n}`, "quick");
    for (const n of [1, 2, 3]) await untilReason(`many-${n}`, "waiting_for_capacity");
    const { newest } = await kinds(0);
    await post(paths.pauseCi());
    for (const n of [1, 2, 3]) await untilReason(`many-${n}`, "scheduler_paused");
    expect((await kinds(newest)).events).toEqual(["ci_paused", "queue_changed"]);
    await post(paths.resumeCi());
    forge.settings.ciConcurrency = 2;
    await post(paths.wake());
    for (const n of [1, 2, 3]) await untilLane(`many-${n}`, ended);
  });
});

describe("how a lane ended", () => {
  const why = async (id: number) => {
    const status = await branchStatus.handle(context, { branch: String(id) });
    return status.lanes?.[0]?.why;
  };

  it.each([
    ["red", "failed", "test_failure", "exit code 3"],
    ["broken", "failed", "infrastructure", "no device is plugged in"],
    ["slow", "failed", "timeout", "timed out after 1 s"],
    ["nothing", "skipped", null, "nothing to do here"],
  ])("is told of %s", async (of, status, kind, note) => {
    await push(`ended-${of}`, of);
    const told = await untilLane(`ended-${of}`, ended);
    expect(told).toMatchObject({ status, failure_kind: kind, note });
    expect(await why(told.branchId)).toBe(kind ?? note);
    const page = (await forge.api("GET", `/git/branch/${told.branchId}/ci`)).text;
    expect(page).toContain(note);
    if (told.failure_kind_label !== null) expect(page).toContain(told.failure_kind_label);
  });

  it("is told of one that was cancelled, superseded, or lost again and again", async () => {
    forge.settings.ciConcurrency = 0;
    await push("unwanted", "quick");
    const unwanted = await untilReason("unwanted", "waiting_for_capacity");
    await post(paths.cancelLane(unwanted.branchId, unwanted.id));
    expect(await why(unwanted.branchId)).toBe("cancelled");
    await push("newer", "quick");
    const old = await untilReason("newer", "waiting_for_capacity");
    await push("newer", "quick", "newer");
    const next = await untilLane("newer", (one) => one.id !== old.id && one.status === "queued");
    const { json } = await forge.api("GET", paths.branch(old.branchId), undefined, token);
    expect(json.ci_runs[1].lanes[0]).toMatchObject({ id: old.id, failure_kind: "superseded" });
    await forge.server.close();
    const store = openStore(forge.config.storeFile, { now: () => new Date() });
    const lease = { now: "2026-01-01T00:00:00.000Z", expiresAt: "2026-01-01T00:01:00.000Z" };
    store.write((tx) => {
      for (let times = 0; times < 3; times += 1) tx.requeueLane(next.id, "stale_recovered");
      tx.claimLane(next.id, lease);
    });
    store.close();
    forge = await forge.restart();
    await connect();
    const lost = await untilLane("newer", ended);
    expect(lost).toMatchObject({ failure_kind: "lost", note: expect.stringContaining("lost") });
    expect(await why(lost.branchId)).toBe("lost");
  });
});
