import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { afterEach, expect, it } from "vitest";
import { forgeStatusAnswer } from "../../../src/contract/admin.ts";
import { findTagged } from "../../../src/process/tagged.ts";
import { mirrorTag } from "../../../src/server/mirror/create-mirror.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { type MirroredForge, standIn, startMirrored } from "../../support/mirror.ts";

let mirrored: MirroredForge | undefined;
afterEach(async () => {
  await mirrored?.close();
  mirrored = undefined;
});

const leftovers = () => findTagged({ name: mirrorTag, value: "", match: "prefix" });

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
    expect(await leftovers()).toEqual([]);
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
    expect(await leftovers()).toEqual([]);
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
  } finally {
    left.kill("SIGKILL");
    await restarted.close();
  }
});
