import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signLogin, startTestForge, type TestForge } from "../../support/server.ts";

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
  body?: unknown,
): Promise<{ status: number | undefined; body: string }> {
  const sent = request({ host: "127.0.0.1", port: forge.server.port, method, path, headers });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
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

  it("takes no login for loopback that came by its name: a member's machine has one too", async () => {
    const loopback = `127.0.0.1:${forge.server.port}`;
    const verify = async (host: string, base: string) => {
      const made = await ask("POST", "/git/auth/challenge", { host });
      const { challenge } = JSON.parse(made.body);
      const event = signLogin(forge.owner.nsec, { challenge, url: `${base}/git/auth/verify` });
      return ask(
        "POST",
        "/git/auth/verify",
        { host, "content-type": "application/json" },
        { event },
      );
    };
    const relayed = await verify("forge.example.org", `http://${loopback}`);
    expect(relayed.status).toBe(401);
    expect(relayed.body).toContain(`the u tag names another place; expected ${canonicalUrl}/git`);
    expect((await verify("forge.example.org:443", canonicalUrl)).status).toBe(200);
    expect((await verify(loopback, `http://${loopback}`)).status).toBe(200);
    expect((await verify(loopback, canonicalUrl)).status).toBe(200);
  });

  it("keeps a connection longer than proxies do, so that none loses a request to its end", async () => {
    const headers = { host: "forge.example.org", connection: "keep-alive" };
    const where = { host: "127.0.0.1", port: forge.server.port, path: "/git/api/forge/about" };
    const [answer] = await once(request({ ...where, headers }).end(), "response");
    answer.resume();
    const [, seconds] = /timeout=(\d+)/.exec(answer.headers["keep-alive"] ?? "") ?? [];
    expect(Number(seconds)).toBeGreaterThan(120);
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
