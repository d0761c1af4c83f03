import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { absence, freePort, output, runs, shipped, startDaemon } from "../support/hosting.ts";
import { signLogin, startTestForge, type TestForge } from "../support/server.ts";

const nginx = "/usr/sbin/nginx";
const why = absence(nginx, false);
const canonical = "forge.example.org";
const moved = "This forge moved to https://forge.example.org/git\n";
const env = { PATH: process.env.PATH ?? "" };

let dir: string;
let forge: TestForge;
let port: number;
let stop: () => Promise<void> = async () => {};

async function certificate(name: string): Promise<void> {
  const at = (file: string) => join(dir, `${name}.${file}`);
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", at("key"), "-out", at("pem"), "-days", "2"];
  await output("openssl", ["req", "-x509", ...key, ...subject, ...files], { env });
}

/** The shipped file within the least that nginx needs besides. */
async function serve(): Promise<void> {
  const plain = await freePort();
  port = await freePort();
  const names = {
    "127.0.0.1:8788": `127.0.0.1:${forge.server.port}`,
    "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
    "listen 80": `listen 127.0.0.1:${plain}`,
    "/etc/ssl/forge.example.org/fullchain.pem": join(dir, `${canonical}.pem`),
    "/etc/ssl/forge.example.org/privkey.pem": join(dir, `${canonical}.key`),
    "/etc/ssl/old.example.org/fullchain.pem": join(dir, "old.example.org.pem"),
    "/etc/ssl/old.example.org/privkey.pem": join(dir, "old.example.org.key"),
  };
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const folders = kinds.map((kind) => `${kind}_temp_path ${join(dir, kind)};`).join(" ");
  const file = join(dir, "nginx.conf");
  await writeFile(
    file,
    `daemon off; master_process off; pid ${join(dir, "pid")}; error_log stderr notice;
events {}
http { access_log off; ${folders}
${shipped("nginx/forge-landing-kit.conf", names)}
}
`,
  );
  const checked = await runs(nginx, ["-t", "-e", "stderr", "-c", file], { env });
  if (checked.code !== 0) throw new Error(checked.err);
  const ready = /start worker|using the "epoll" event method|OS: Linux/;
  const daemon = await startDaemon(nginx, ["-e", "stderr", "-c", file], { env, ready });
  stop = daemon.stop;
}

/** A request to the proxy under a host name, as its own clients make it. */
async function ask(
  host: string,
  path: string,
  how: { method?: string; body?: unknown; headers?: Readonly<Record<string, string>> } = {},
): Promise<{ status: number | undefined; body: string }> {
  const headers = { host, "content-type": "application/json", ...how.headers };
  const sent = request({
    ...{ host: "127.0.0.1", port, path, servername: host, method: how.method ?? "GET", headers },
    // Its certificate was made a moment ago by nobody in particular.
    rejectUnauthorized: false,
  });
  sent.end(how.body === undefined ? undefined : JSON.stringify(how.body));
  const [answer] = await once(sent, "response");
  return { status: answer.statusCode, body: await text(answer) };
}

describe.skipIf(why !== undefined)(
  `the shipped proxy file${why === undefined ? "" : ` (${why})`}`,
  () => {
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "land-proxy-"));
      const canonicalUrl = `https://${canonical}`;
      const retiredHosts = ["old.example.org"];
      forge = await startTestForge({ config: { canonicalUrl, retiredHosts } });
      await Promise.all([certificate(canonical), certificate("old.example.org")]);
      await serve();
    });
    afterAll(async () => {
      await stop();
      await forge?.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    });

    it("lets the canonical host serve", async () => {
      const { status, body } = await ask(canonical, "/git/api/forge/about");
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ instance: forge.server.instance });
    });

    it("lets one log in for the canonical address, and not for another", async () => {
      const made = await ask(canonical, "/git/auth/challenge", { method: "POST" });
      const { challenge } = JSON.parse(made.body);
      const verify = (base: string) =>
        ask(canonical, "/git/auth/verify", {
          method: "POST",
          body: {
            event: signLogin(forge.owner.nsec, { challenge, url: `${base}/git/auth/verify` }),
          },
        });
      expect((await verify("https://elsewhere.example")).status).not.toBe(200);
      expect((await verify(`https://${canonical}`)).status).toBe(200);
    });

    it.each(["/", "/news/branch/1", "/git/api/me", "/anything?at=all"])(
      "answers 410 at the retired host: %s",
      async (path) => {
        expect(await ask("old.example.org", path)).toEqual({ status: 410, body: moved });
        const posted = await ask("old.example.org", path, { method: "POST", body: {} });
        expect(posted).toEqual({ status: 410, body: moved });
      },
    );

    it("answers no other name", async () => {
      await expect(ask("other.example.org", "/git/api/forge/about")).rejects.toThrow();
    });
  },
);
