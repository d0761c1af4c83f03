import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { afterEach, expect, it } from "vitest";
import { forgeStatusAnswer } from "../../../src/contract/admin.ts";
import { mirrorTag } from "../../../src/server/mirror/create-mirror.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { type MirroredForge, standIn, startMirrored } from "../../support/mirror.ts";

let mirrored: MirroredForge | undefined;
afterEach(async () => {
  await mirrored?.close();
  mirrored = undefined;
});

it("is pushed to when asked, and told of as it is", async () => {
  mirrored = await startMirrored();
  const { forge } = mirrored;
  const head = await forge.push("feature", { a: "1\n" });
  await forge.git(["tag", "-a", "v1", "-m", "one", "main"]);
  await forge.git(["push", "-q", "forge", "v1"]);
  expect(await mirrored.status()).toMatchObject({ mirror_status: null, mirror_history: [] });
  const answer = await mirrored.sync();
  expect([answer.status, answer.json]).toEqual([
    200,
    { attempted: true, status: "success", lagging_ref_count: 0 },
  ]);
  const main = await forge.git(["rev-parse", "main"]);
  expect(await mirrored.refs()).toEqual({
    "refs/heads/main": main,
    "refs/heads/feature": head,
    "refs/tags/v1": await forge.git(["rev-parse", "v1"]),
  });
  const status = await mirrored.status();
  expect(forgeStatusAnswer.safeParse(status).success).toBe(true);
  expect(status).toMatchObject({
    forge_health: { mirror: { state: "disabled", background_enabled: false } },
    mirror_runtime: { configured: true, background_interval_secs: 0, active_run: null },
    mirror_status: { consecutive_failure_count: 0, current_lagging_ref_count: 0 },
    mirror_history: [
      {
        trigger_source: "manual",
        status: "success",
        local_default_head: main,
        remote_default_head: main,
        synced_ref_count: 3,
        error_text: null,
      },
    ],
  });
});

it("follows a merge at once, which does not wait for it, and loses the branch with the forge", async () => {
  mirrored = await startMirrored({ intervalSeconds: 3600 });
  await mirrored.forge.push("feature", { a: "1\n" });
  await mirrored.sync();
  const pushed = mirrored.nextPush();
  const landed = await mirrored.land("feature");
  expect(landed.status).toBe(200);
  await pushed;
  expect(await mirrored.refs()).toEqual({ "refs/heads/main": landed.json.merge_commit_sha });
  const { mirror_history } = await mirrored.status();
  expect(mirror_history[0].trigger_source).toBe("post-mutation");
});

it("takes a rewritten branch, and keeps what others put there", async () => {
  mirrored = await startMirrored();
  const { forge, bare } = mirrored;
  await forge.push("feature", { a: "1\n" });
  await mirrored.sync();
  const again = await forge.push("feature", { a: "2\n" });
  const theirs = await forge.git(["rev-parse", "main"]);
  await forge.git(["update-ref", "refs/heads/theirs", theirs], bare);
  expect((await mirrored.sync()).json).toMatchObject({ status: "success", lagging_ref_count: 0 });
  expect(await mirrored.refs()).toMatchObject({
    "refs/heads/feature": again,
    "refs/heads/theirs": theirs,
  });
  // Somebody moves our branch there: theirs is not lost to a rewrite.
  await forge.push("other", { o: "1\n" });
  const moved = await forge.git(["rev-parse", "HEAD"]);
  await forge.git(["push", "-q", "--force", bare, `${moved}:refs/heads/feature`]);
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed", lagging_ref_count: 1 });
  expect((await mirrored.refs())["refs/heads/feature"]).toBe(moved);
  expect(await mirrored.status()).toMatchObject({
    forge_health: { mirror: { state: "error" } },
    mirror_status: { current_failure_kind: "rejected" },
    mirror_history: [{ lagging_refs: ["refs/heads/feature"] }, {}, {}],
  });
});

it("never overwrites the mirror's target", async () => {
  mirrored = await startMirrored();
  const { forge, bare } = mirrored;
  await mirrored.sync();
  await forge.push("elsewhere", { e: "1\n" });
  const theirs = await forge.git(["rev-parse", "HEAD"]);
  await forge.git(["push", "-q", bare, `${theirs}:refs/heads/main`]);
  await forge.push("feature", { a: "1\n" });
  await mirrored.land("feature");
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect((await mirrored.refs())["refs/heads/main"]).toBe(theirs);
  expect(await mirrored.status()).toMatchObject({
    mirror_status: { current_failure_kind: "diverged" },
  });
});

it("ends a push that hangs, with all its processes, and lets one run at a time", async () => {
  let arrived: () => void = () => {};
  const hanging = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const host = await standIn(() => arrived());
  try {
    mirrored = await startMirrored({ url: host.url, timeoutSeconds: 2 });
    const first = mirrored.sync();
    await hanging;
    const second = await mirrored.sync();
    expect([second.status, second.json]).toEqual([409, { error: "mirror sync already running" }]);
    expect(await mirrored.status()).toMatchObject({
      forge_health: { mirror: { state: "active" } },
      mirror_runtime: { active_run: { state: "active", pid: process.pid } },
    });
    expect((await first).json).toEqual({
      attempted: true,
      status: "failed",
      lagging_ref_count: null,
    });
    expect(await mirrored.leftovers()).toEqual([]);
    expect(await mirrored.status()).toMatchObject({
      mirror_runtime: { active_run: null },
      mirror_status: { current_failure_kind: "timeout", consecutive_failure_count: 1 },
    });
    mirrored.set({ url: mirrored.bare });
    expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  } finally {
    await host.close();
  }
});

it("fails at once where a password is asked for, and never shows the token", async () => {
  const seen: (string | undefined)[] = [];
  const host = await standIn((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
  });
  try {
    mirrored = await startMirrored({ url: host.url });
    expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
    mirrored.set({ token: "very-secret-token" });
    expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
    const basic = Buffer.from("x-access-token:very-secret-token").toString("base64");
    expect(seen).toContain(`Basic ${basic}`);
    const status = await mirrored.status();
    expect(status.mirror_status.current_failure_kind).toBe("auth");
    expect(JSON.stringify(status)).not.toMatch(new RegExp(`very-secret|${basic}`));
  } finally {
    await host.close();
  }
});

it("names an address that cannot be used, and one where nothing is", async () => {
  mirrored = await startMirrored({ url: "ext::sh -c true" });
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect((await mirrored.status()).mirror_status.current_failure_kind).toBe("config");
  mirrored.set({ url: `${mirrored.bare}-gone` });
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect((await mirrored.status()).mirror_status.current_failure_kind).toBe("config");
});

it("reads a mirror with 50,000 refs to the end", async () => {
  mirrored = await startMirrored();
  const { forge, bare } = mirrored;
  await mirrored.sync();
  const main = await forge.git(["rev-parse", "main"]);
  const names = Array.from({ length: 50_000 }, (_, at) => `${main} refs/heads/many/${at}`).sort();
  await writeFile(`${bare}/packed-refs`, `# pack-refs with: sorted\n${names.join("\n")}\n`);
  await forge.push("feature", { a: "1\n" });
  expect((await mirrored.sync()).json).toEqual({
    attempted: true,
    status: "success",
    lagging_ref_count: 0,
  });
});

it("ends a push under way, with its processes, where the forge stops", async () => {
  let arrived: () => void = () => {};
  const hanging = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const host = await standIn(() => arrived());
  try {
    mirrored = await startMirrored({ url: host.url, timeoutSeconds: 60 });
    const cut = mirrored.sync().catch(() => undefined);
    await hanging;
    await mirrored.forge.server.close();
    await cut;
    expect(await mirrored.leftovers()).toEqual([]);
  } finally {
    await host.close();
  }
});

it("goes on after its forge was killed during a push, and ends the git it left behind", async () => {
  mirrored = await startMirrored();
  const { forge } = mirrored;
  await mirrored.sync();
  await forge.server.close();
  // What a kill leaves: the store's row, whose time is not over, and git, which nobody waits for.
  const store = openStore(forge.config.storeFile, { now: () => new Date() });
  const token = `${store.read.setting("mirror_instance")}-cut-off`;
  const lock = { token, pid: 1, triggerSource: "background", expiresAt: "9999" } as const;
  expect(store.write((tx) => tx.takeMirrorLock(lock))).toBe(true);
  expect(store.write((tx) => tx.takeMirrorLock(lock))).toBe(false);
  store.close();
  const left = spawn("sleep", ["600"], { env: { PATH: process.env.PATH, [mirrorTag]: token } });
  const ended = once(left, "exit");
  await forge.push("feature", { a: "1\n" });
  const restarted = await forge.restart();
  try {
    const owner = await restarted.login(forge.owner.nsec);
    const answer = await restarted.api("POST", "/api/admin/mirror/sync", undefined, owner);
    expect(answer.json).toMatchObject({ status: "success", lagging_ref_count: 0 });
    expect((await ended)[1]).toBe("SIGKILL");
    const status = await restarted.api("GET", "/api/admin/forge-status", undefined, owner);
    expect(status.json).toMatchObject({
      mirror_runtime: { active_run: null },
      mirror_history: [
        { trigger_source: "manual", status: "success" },
        { trigger_source: "background", status: "failed", failure_kind: "lost" },
        { trigger_source: "manual", status: "success" },
      ],
    });
  } finally {
    left.kill("SIGKILL");
    await restarted.close();
  }
});

/** A call of the forge's webhook, as its contract signs it. */
async function callWebhook({ forge }: MirroredForge, secret: string, ref: string): Promise<void> {
  const body = `${"0".repeat(40)} ${"1".repeat(40)} ${ref}\n`;
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const headers = { "x-pika-signature-256": `sha256=${signature}` };
  const answer = await fetch(`${forge.origin}/git/webhook`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
}

it("is pushed to when a webhook names a branch, when one is closed, and at its interval", async () => {
  const webhookSecret = "a secret";
  mirrored = await startMirrored({}, { settings: { webhookSecret } });
  const { forge, owner, agent } = mirrored;
  const head = await forge.push("feature", { a: "1\n" });
  const { branch } = await forge.until("feature", owner, () => true);
  const { status } = mirrored;
  const triggers = async () =>
    (await status()).mirror_history.map((run: { trigger_source: string }) => run.trigger_source);
  // At interval 0 by hand alone, whatever happened.
  await callWebhook(mirrored, webhookSecret, "refs/heads/feature");
  expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  expect(await triggers()).toEqual(["manual"]);

  mirrored.set({ intervalSeconds: 3600 });
  await callWebhook(mirrored, webhookSecret, "refs/tags/v1");
  const named = mirrored.nextPush();
  await callWebhook(mirrored, webhookSecret, "refs/heads/feature");
  await named;
  const closed = mirrored.nextPush();
  const path = `/api/forge/branch/${branch.branch_id}/close`;
  expect((await forge.api("POST", path, { head_sha: head }, agent)).status).toBe(200);
  await closed;
  expect(await mirrored.refs()).not.toHaveProperty(["refs/heads/feature"]);
  expect(await triggers()).toEqual(["post-mutation", "post-mutation", "manual"]);

  mirrored.set({ intervalSeconds: 1 });
  await mirrored.sync();
  for (const _ of [1, 2]) await mirrored.nextPush();
  expect((await triggers()).slice(0, 3)).toEqual(["background", "background", "manual"]);
});

it("tells the mirror at its start what landed before the last one ended", async () => {
  mirrored = await startMirrored();
  const { forge } = mirrored;
  await mirrored.sync();
  await forge.push("feature", { a: "1\n" });
  const { json } = await mirrored.land("feature");
  mirrored.set({ intervalSeconds: 3600 });
  const pushed = mirrored.nextPush();
  const restarted = await forge.restart();
  try {
    await pushed;
    expect((await mirrored.refs())["refs/heads/main"]).toBe(json.merge_commit_sha);
  } finally {
    await restarted.close();
  }
});
