import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestForge, type TestForge } from "../../support/server.ts";

const canonicalUrl = "https://forge.example.org";

let forge: TestForge;
beforeAll(async () => {
  forge = await startTestForge({
    config: { host: "0.0.0.0", canonicalUrl, retiredHosts: ["old.example.org"] },
  });
});
afterAll(() => forge.close());

/** A request as a proxy makes it, under any host name; fetch would not let one choose. */
async function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number | undefined; body: string }> {
  const sent = request({ host: "127.0.0.1", port: forge.server.port, method, path, headers });
  sent.end();
  const [answer] = await once(sent, "response");
  return { status: answer.statusCode, body: await text(answer) };
}

describe("a forge with a canonical URL", () => {
  it.each(["forge.example.org", "forge.example.org:443", "FORGE.example.org"])(
    "answers as %s",
    async (host) => {
      expect((await ask("GET", "/git/api/forge/about", { host })).status).toBe(200);
    },
  );

  it("answers on this machine too, and under no other name, whatever a header says", async () => {
    const host = `127.0.0.1:${forge.server.port}`;
    expect((await ask("GET", "/git/api/forge/about", { host })).status).toBe(200);
    const forged = { host: "evil.example", "x-forwarded-host": "forge.example.org" };
    expect((await ask("GET", "/git/api/forge/about", forged)).status).toBe(421);
  });

  it.each([
    "forge.example.org:8443",
    "forge.example.org.evil.example",
    "evil.example/forge.example.org",
    "ann@forge.example.org",
    "forge.example.org, evil.example",
    "old.example.org.evil.example",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1",
    "..",
    "%00",
    "a".repeat(4000),
  ])("is nobody's under a hostile name: %s", async (host) => {
    // 400 where it is no name at all.
    expect([400, 421]).toContain((await ask("GET", "/git/api/forge/about", { host })).status);
  });

  it.each(["OLD.example.org", "old.example.org.", "old.example.org.:80"])(
    "is gone under its retired name, however it is spelled: %s",
    async (host) => {
      for (const accept of ["text/html", "application/json", "*/*"]) {
        const answer = await ask("GET", "/git/api/me", { host, accept });
        expect(answer).toEqual({ status: 410, body: `This forge moved to ${canonicalUrl}/git\n` });
      }
    },
  );

  it.each([
    ["GET", "/"],
    ["GET", "/news/api/me"],
    ["POST", "/git/api/forge/branch/1/merge"],
    ["GET", "/anything?at=all"],
  ])("is gone under its retired name: %s %s", async (method, path) => {
    const answer = await ask(method, path, { host: "old.example.org:443" });
    expect(answer).toEqual({ status: 410, body: `This forge moved to ${canonicalUrl}/git\n` });
  });

  it("shows no pages: a proxy brings others' requests over loopback too", async () => {
    const answer = await ask("GET", "/git", { host: "forge.example.org" });
    expect(answer.status).toBe(403);
  });
});

describe("a port that a proxy knows", () => {
  it("is never exchanged for another", async () => {
    const config = { canonicalUrl, port: forge.server.port };
    await expect(startTestForge({ config })).rejects.toThrow("cannot listen on port");
  });
});
