import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { AlreadyServedError, startServer } from "../../../src/server/server.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { connectEvents } from "../../support/event-client.ts";
import { startTestForge, type TestForge, type TestForgeOptions } from "../../support/server.ts";

const laneOf = (command: string) => `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "check"
title = "Check"
entrypoint = "check"
command = ["sh", "-c", "${command}"]
`;
// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
type Detail = any;
const running = (detail: Detail) => detail.ci_runs[0]?.lanes[0]?.status === "running";
const settled = (detail: Detail) => !["queued", "running"].includes(detail.branch.ci_status);

/** A forge that ends with its test; or the one that followed it, after `restarted`. */
const start = async ({ onTestFinished }: TestContext, options: TestForgeOptions = {}) => {
  const forge = await startTestForge(options);
  let last: TestForge = forge;
  onTestFinished(() => last.close());
  return {
    ...forge,
    async restarted(config?: Parameters<TestForge["restart"]>[0]) {
      last = await forge.restart(config);
      return last;
    },
  };
};

// Most of these wait for the forge's own timers, so they do so together.
describe.concurrent("a forge's process", () => {
  it("is one at a time, and can be followed by another over the same state", async (test) => {
    const forge = await start(test);
    await expect(startServer(forge.config)).rejects.toThrow(AlreadyServedError);
    const token = await forge.login(forge.agent.nsec);
    await forge.push("topic", { "a.txt": "1\n" });
    const before = await forge.until("topic", token, settled);
    const next = await forge.restarted({ port: forge.server.port });
    expect(next.origin).toBe(forge.origin);
    expect(next.server.instance).not.toBe(forge.server.instance);
    expect(await forge.server.closed).toBe("stopped");
    const path = `/api/forge/branch/${before.branch.branch_id}`;
    expect((await next.api("GET", path, undefined, token)).json).toEqual(before);
  });

  it("stops by itself when its state folder is removed", async (test) => {
    const forge = await start(test);
    await rm(forge.config.stateDir, { recursive: true, force: true, maxRetries: 5 });
    expect(await forge.server.closed).toBe("stopped");
  });

  it("takes another port where the stored one is taken", async (test) => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const { port } = squatter.address() as AddressInfo;
    try {
      const forge = await start(test, { config: { port } });
      expect(forge.server.port).not.toBe(port);
      expect(forge.origin).toBe(`http://127.0.0.1:${forge.server.port}`);
      expect((await forge.api("GET", "/api/forge/about")).status).toBe(200);
    } finally {
      squatter.close();
    }
  });

  it("leaves nothing held where it cannot start", async (test) => {
    const forge = await start(test);
    await forge.server.close();
    const file = join(forge.dir, "no-folder");
    await writeFile(file, "");
    await expect(startServer({ ...forge.config, repositoryDir: file })).rejects.toThrow();
    const next = await forge.restarted();
    expect((await next.api("GET", "/api/forge/about")).status).toBe(200);
  });

  it("finds what was pushed while it was away, before it answers", async (test) => {
    const forge = await start(test, { settings: { ciConcurrency: 0 } });
    const token = await forge.login(forge.agent.nsec);
    await forge.server.close();
    const head = await forge.push("topic", { "a.txt": "1\n" });
    const next = await forge.restarted();
    const found = await next.api("GET", "/api/forge/branches", undefined, token);
    expect(found.json.branches).toMatchObject([{ branch_name: "topic", head_sha: head }]);
  });

  it("finds a push whose wake was lost", async (test) => {
    const forge = await start(test, { settings: { ciConcurrency: 0 } });
    const token = await forge.login(forge.agent.nsec);
    await rm(join(forge.config.hooksDir, "post-receive"));
    await forge.push("topic", { "a.txt": "1\n" });
    await forge.until("topic", token, () => true);
  });
});

describe("stopping", () => {
  it("ends event streams and lanes within five seconds, and puts the lanes back", async (test) => {
    const forge = await start(test, { manifest: laneOf("sleep 60") });
    const token = await forge.login(forge.agent.nsec);
    const client = await connectEvents(`${forge.origin}/git/api/forge/events`, {
      authorization: `Bearer ${token}`,
    });
    await forge.push("topic", { "a.txt": "1\n" });
    const detail = await forge.until("topic", token, running);
    const began = performance.now();
    await Promise.all([forge.server.close(), forge.server.close()]);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await forge.server.closed).toBe("stopped");
    for (;;) if ((await client.next()) === undefined) break;
    await expect(fetch(`${forge.origin}/git/api/forge/about`)).rejects.toThrow();
    const store = openStore(forge.config.storeFile, { now: () => new Date() });
    expect(store.read.lane(detail.ci_runs[0].lanes[0].id)?.status).toBe("queued");
    store.close();
  });

  it.concurrent("comes by a signal too", async (test) => {
    const abort = new AbortController();
    const forge = await start(test, { server: { signal: abort.signal } });
    abort.abort();
    expect(await forge.server.closed).toBe("cancelled");
    await expect(startServer(forge.config, { signal: AbortSignal.abort() })).rejects.toThrow();
  });

  it.concurrent("waits for running lanes when it drains, and takes no merges meanwhile", async (test) => {
    const forge = await start(test, { manifest: laneOf("sleep 1") });
    const token = await forge.login(forge.agent.nsec);
    await forge.push("topic", { "a.txt": "1\n" });
    const detail = await forge.until("topic", token, running);
    const id = detail.branch.branch_id;
    const drain = await forge.api("POST", "/api/forge/drain", {}, token);
    expect(drain.json).toEqual({ status: "draining", running: 1 });
    expect((await forge.api("GET", "/api/forge/about")).json.draining).toBe(true);
    const merge = await forge.api("POST", `/api/forge/branch/${id}/merge`, {}, token);
    expect([merge.status, merge.json.code]).toEqual([503, "draining"]);
    expect(await forge.server.closed).toBe("drained");
    const store = openStore(forge.config.storeFile, { now: () => new Date() });
    expect(store.read.lane(detail.ci_runs[0].lanes[0].id)?.status).toBe("success");
    store.close();
  });

  it.concurrent("can cut a drain short", async (test) => {
    const forge = await start(test, { manifest: laneOf("sleep 60") });
    const token = await forge.login(forge.agent.nsec);
    await forge.push("topic", { "a.txt": "1\n" });
    await forge.until("topic", token, running);
    const drained = forge.server.close({ drain: true });
    await forge.server.close();
    await drained;
    expect(await forge.server.closed).toBe("stopped");
  });

  it("happens by itself when nobody asks and nothing runs, and not before", async (test) => {
    const forge = await start(test, { manifest: laneOf("sleep 1.3"), config: { idleSeconds: 1 } });
    const token = await forge.login(forge.agent.nsec);
    const store = openStore(forge.config.storeFile, { now: () => new Date() });
    await forge.push("topic", { "a.txt": "1\n" });
    await forge.until("topic", token, running);
    expect(await forge.server.closed).toBe("idle");
    expect(store.read.lane(1)?.status).toBe("success");
    store.close();
  });
});
