import { readdirSync, readFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type MirroredForge, startMirrored } from "../support/mirror.ts";
import { serveOverHttp, showing } from "../support/mirror-host.ts";

const token = "mirror-token-5ecret";
const secrets = [token, Buffer.from(`x-access-token:${token}`).toString("base64")];

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type Meet = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A forge whose mirror is behind real smart HTTP that wants a login; the token is in a file. */
async function overHttp(meet: Meet = () => false, timeoutSeconds = 30) {
  const mirrored = await startMirrored({ timeoutSeconds });
  endings.push(() => mirrored.close());
  const host = await serveOverHttp(mirrored.bare, { token, meet });
  endings.push(() => host.close());
  const tokenFile = join(mirrored.forge.dir, "token");
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  mirrored.set({ url: host.url, tokenFile });
  return { mirrored, tokenFile };
}

const isPush = ({ url, method }: IncomingMessage) =>
  method === "POST" && url?.endsWith("/git-receive-pack") === true;

async function lastKind({ status }: MirroredForge): Promise<string | null> {
  return (await status()).mirror_status.current_failure_kind;
}

/** All that the forge keeps: its store, its logs, its repository's settings. */
function kept(dir: string): string {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile() && !file.parentPath.includes("/objects"))
    .map((file) => readFileSync(join(file.parentPath, file.name), "latin1"))
    .join("\n");
}

it("pushes, rewrites and deletes over HTTP, and shows the token nowhere", async () => {
  const seen: string[] = [];
  let pushes = 0;
  const { mirrored } = await overHttp((request) => {
    seen.push(...showing(secrets));
    if (isPush(request)) pushes += 1;
    return false;
  });
  const { forge } = mirrored;
  await forge.push("feature", { a: "1\n" });
  const doomed = await forge.push("doomed", { d: "1\n" });
  const success = { status: 200, json: { status: "success", lagging_ref_count: 0 } };
  expect(await mirrored.sync()).toMatchObject(success);
  expect((await mirrored.refs())["refs/heads/doomed"]).toBe(doomed);
  const again = await forge.push("feature", { a: "2\n" });
  await forge.git(["push", "-q", "forge", ":doomed"]);
  expect(await mirrored.sync()).toMatchObject(success);
  expect(await mirrored.refs()).toEqual({
    "refs/heads/main": await forge.git(["rev-parse", "main"]),
    "refs/heads/feature": again,
  });
  expect(pushes).toBeGreaterThan(1);
  expect(seen).toEqual([]);
  const told = JSON.stringify(await mirrored.status()) + mirrored.said();
  for (const secret of secrets) {
    expect(told).not.toContain(secret);
    expect(kept(forge.config.stateDir)).not.toContain(secret);
  }
  expect(await mirrored.leftovers()).toEqual([]);
});

it("takes an exchanged token from the next push on, and no file that others can read", async () => {
  const { mirrored, tokenFile } = await overHttp();
  await writeFile(tokenFile, "an old one\n");
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect(await lastKind(mirrored)).toBe("auth");
  await writeFile(tokenFile, `${token}\n`);
  expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  await chmod(tokenFile, 0o644);
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  const { last_attempt } = (await mirrored.status()).mirror_status;
  expect(last_attempt).toMatchObject({
    failure_kind: "config",
    error_text: expect.stringMatching(/token file .* others can read or change it; `chmod 600`/),
  });
  expect(last_attempt.error_text).not.toContain(token);
});

it("ends a push that hangs in the middle of its transfer, with all its processes", async () => {
  let hang = true;
  const met: string[] = [];
  const { mirrored } = await overHttp((request, response) => {
    if (!isPush(request) || !hang) return false;
    met.push(...showing(["git-remote-http"]).slice(0, 1));
    // It takes what is sent, begins to answer, and never ends.
    request.resume();
    response.writeHead(200, { "content-type": "application/x-git-receive-pack-result" });
    response.write("0");
    return true;
  }, 2);
  const head = await mirrored.forge.push("feature", { a: "1\n" });
  const begun = performance.now();
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(met).toHaveLength(1);
  expect(await lastKind(mirrored)).toBe("timeout");
  expect(await mirrored.leftovers()).toEqual([]);
  hang = false;
  expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  expect((await mirrored.refs())["refs/heads/feature"]).toBe(head);
});

it.each([
  ["forbids it", 403, "auth"],
  ["has no such repository", 404, "config"],
  ["is broken", 500, "transient"],
])("names the failure where the host %s", async (_what, code, kind) => {
  const { mirrored } = await overHttp((request, response) => {
    if (request.url?.includes("git-receive-pack") !== true) return false;
    response.writeHead(code).end();
    return true;
  });
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect(await lastKind(mirrored)).toBe(kind);
  expect(await mirrored.leftovers()).toEqual([]);
});

it("does not follow the host elsewhere with its login", async () => {
  const elsewhere: (string | undefined)[] = [];
  const { mirrored } = await overHttp((request, response) => {
    if (request.url?.startsWith("/elsewhere") === true) {
      elsewhere.push(request.headers.authorization);
      return false;
    }
    response.writeHead(301, { location: `/elsewhere${request.url}` }).end();
    return true;
  });
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect(elsewhere).toEqual([]);
});
