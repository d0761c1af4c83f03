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
const other = "tool.example.org";
const moved = "This forge moved to https://forge.example.org/git\n";
const env = { PATH: process.env.PATH ?? "" };

let dir: string;
let forge: TestForge;
let second: TestForge;
let port: number;
let plain: number;
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
  [plain, port] = [await freePort(), await freePort()];
  const names = {
    "127.0.0.1:8788": `127.0.0.1:${forge.server.port}`,
    "listen 443 ssl": `listen 127.0.0.1:${port} ssl`,
    "listen 80": `listen 127.0.0.1:${plain}`,
    "/etc/ssl/forge.example.org/fullchain.pem": join(dir, `${canonical}.pem`),
    "/etc/ssl/forge.example.org/privkey.pem": join(dir, `${canonical}.key`),
    "/etc/ssl/old.example.org/fullchain.pem": join(dir, "old.example.org.pem"),
    "/etc/ssl/old.example.org/privkey.pem": join(dir, "old.example.org.key"),
  };
  const whole = shipped("nginx/forge-landing-kit.conf", names);
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const folders = kinds.map((kind) => `${kind}_temp_path ${join(dir, kind)};`).join(" ");
  const file = join(dir, "nginx.conf");
  await writeFile(
    file,
    `daemon off; master_process off; pid ${join(dir, "pid")}; error_log stderr notice;
events {}
http { access_log off; ${folders}
${whole}
${forSecond(whole)}
}
`,
  );
  const checked = await runs(nginx, ["-t", "-e", "stderr", "-c", file], { env });
  if (checked.code !== 0) throw new Error(checked.err);
  const ready = /start worker|using the "epoll" event method|OS: Linux/;
  const daemon = await startDaemon(nginx, ["-e", "stderr", "-c", file], { env, ready });
  stop = daemon.stop;
}

/** What the file says to repeat for a further forge, with that one's name and port. */
function forSecond(whole: string): string {
  const [, part] = /^# begin$(.*)^# end$/ms.exec(whole) ?? [];
  if (part === undefined) throw new Error("the file does not say what to repeat");
  return part
    .replaceAll(canonical, other)
    .replaceAll(`127.0.0.1:${forge.server.port}`, `127.0.0.1:${second.server.port}`)
    .replace("upstream forge", "upstream second")
    .replace("http://forge;", "http://second;");
}

/** A token for the owner, by a login through the proxy. */
async function logIn(): Promise<string> {
  const made = await ask(canonical, "/git/auth/challenge", { method: "POST" });
  const { challenge } = JSON.parse(made.body);
  const url = `https://${canonical}/git/auth/verify`;
  const event = signLogin(forge.owner.nsec, { challenge, url });
  const { body } = await ask(canonical, "/git/auth/verify", { method: "POST", body: { event } });
  return JSON.parse(body).token;
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
      second = await startTestForge({ config: { canonicalUrl: `https://${other}` } });
      await Promise.all([canonical, other, "old.example.org"].map(certificate));
      await serve();
    });
    afterAll(async () => {
      await stop();
      await forge?.close();
      await second?.close();
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

    it("lets a second forge serve under a name of its own", async () => {
      const { body } = await ask(other, "/git/api/forge/about");
      expect(JSON.parse(body)).toMatchObject({ instance: second.server.instance });
      const token = await logIn();
      const asked = (host: string) =>
        ask(host, "/git/api/me", { headers: { authorization: `Bearer ${token}` } });
      expect((await asked(canonical)).status).toBe(200);
      expect((await asked(other)).status).toBe(401);
    });

    it("lets a login for another forge's name count here as little as a forged header", async () => {
      const made = await ask(canonical, "/git/auth/challenge", { method: "POST" });
      const { challenge } = JSON.parse(made.body);
      const url = `https://${other}/git/auth/verify`;
      const event = signLogin(forge.owner.nsec, { challenge, url });
      const headers = {
        ...{ "x-forwarded-host": other, "x-forwarded-proto": "https", "x-forwarded-for": "::1" },
        forwarded: `for=127.0.0.1;host=${other};proto=https`,
        "x-original-host": other,
      };
      const verified = await ask(canonical, "/git/auth/verify", {
        ...{ method: "POST", body: { event }, headers },
      });
      expect(verified.status).toBe(401);
      expect(verified.body).toContain("the u tag names another place");
    });

    it("holds no event back, however long the stream is quiet", async () => {
      const token = await logIn();
      const headers = { host: canonical, authorization: `Bearer ${token}` };
      const sent = request({
        ...{ host: "127.0.0.1", port, path: "/git/api/forge/events", servername: canonical },
        ...{ headers, rejectUnauthorized: false },
      });
      sent.end();
      const [answer] = await once(sent, "response");
      expect(answer.statusCode).toBe(200);
      let said = "";
      const heard = (words: RegExp) =>
        new Promise<void>((resolve) => {
          const look = () => {
            if (words.test(said)) resolve();
          };
          answer.on("data", (part: Buffer) => {
            said += part;
            look();
          });
          look();
        });
      await heard(/hello/);
      // Nothing else comes after it that could have pushed it through a buffer.
      await forge.push("feature", { "a.txt": "a\n" });
      await heard(/branch/);
      sent.destroy();
    });

    it("lets a long answer of a person through, and not an endless one", async () => {
      const token = await logIn();
      const send = (bytes: number) =>
        ask(canonical, "/git/api/admin/keys", {
          method: "POST",
          headers: { authorization: `Bearer ${token}` },
          body: { npub: "x", name: "x", note: "n".repeat(bytes) },
        });
      // The forge itself has read it: it finds fault with what it says.
      const { status } = await send(1_900_000);
      expect([400, 422]).toContain(status);
      expect((await send(3_000_000)).status).toBe(413);
    });

    it("passes no plain request on, and says where the forge is", async () => {
      const answers = async (host: string) => {
        const args = ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"];
        const where = ["-H", `Host: ${host}`, `http://127.0.0.1:${plain}/git/api/me`];
        return output("curl", [...args, ...where], { env });
      };
      expect(await answers(canonical)).toBe(`308 https://${canonical}/git/api/me`);
      expect(await answers(other)).toBe(`308 https://${other}/git/api/me`);
      expect(await answers("old.example.org")).toBe("410");
    });

    it.each(["text/html", "application/json", "*/*"])(
      "tells whoever asks the retired host for %s where the forge is now",
      async (accept) => {
        const answer = await ask("old.example.org", "/git", { headers: { accept } });
        expect(answer).toEqual({ status: 410, body: moved });
      },
    );

    it("tells git where the forge is now", async () => {
      const address = `https://old.example.org:${port}/app.git`;
      const settings = [
        ...["-c", `http.curloptResolve=old.example.org:${port}:127.0.0.1`],
        ...["-c", "http.sslVerify=false"],
      ];
      const { code, err } = await runs("git", [...settings, "ls-remote", address], {
        env: { ...env, GIT_CONFIG_GLOBAL: "/dev/null", LC_ALL: "C" },
      });
      expect(code).not.toBe(0);
      expect(err).toContain(`remote: ${moved.trim()}`);
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
