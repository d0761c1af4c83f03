import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environmentOf } from "../../../src/config/environment.ts";
import { findBelonging } from "../../../src/forges/belonging.ts";
import { hostedSessionFile, referenceSessionFile } from "../../../src/forges/hosted-sessions.ts";
import { Connections } from "../../../src/forges/open.ts";
import { Git } from "../../../src/git/git.ts";
import { readSession, writeSession } from "../../../src/identity/sessions.ts";
import { initForge } from "../../../src/local/init.ts";
import { layoutOf, sessionFile } from "../../../src/local/layout.ts";
import { removeProcessFile, writeProcessFile } from "../../../src/local/process.ts";
import { serverConfig } from "../../../src/local/server-config.ts";
import { rememberPort, requireSettings } from "../../../src/local/settings.ts";
import { startServer } from "../../../src/server/server.ts";
import { afterwards, failureOf, temporaryFolder } from "../../support/agent-half.ts";
import { gitTestEnvironment } from "../../support/git-environment.ts";

async function newRepository() {
  const dir = await temporaryFolder("land-belonging");
  const { env, stateHome } = environmentOf({
    env: { ...gitTestEnvironment(dir), XDG_STATE_HOME: join(dir, "state") },
    home: dir,
    cwd: dir,
  });
  const repo = join(dir, "repo");
  await mkdir(repo);
  const git = new Git({ dir: repo, env });
  await git.text(["init", "-q", "--initial-branch=main"]);
  await git.text(["commit", "-q", "--allow-empty", "-m", "Begin"]);
  const find = (baseUrl?: string) => findBelonging({ git, stateHome, baseUrl });
  const init = () => initForge({ worktreeDir: repo, env, stateHome, options: {} });
  return { dir, env, stateHome, repo, git, find, init };
}

const session = (base_url: string) => ({
  base_url,
  token: "t",
  npub: "npub1x",
  is_admin: false,
  can_forge_write: true,
});

/** Fails the test if anything were started. */
const nothingStarts = () => {
  throw new Error("nothing was to be started");
};

describe("a repository belongs", () => {
  test("to its local forge, and a command that insists on another is not carried out there", async () => {
    const { git, stateHome, init } = await newRepository();
    const { stateDir } = await init();
    await rememberPort(layoutOf(stateDir), 4321);
    const find = (insisted: string) =>
      findBelonging({ git, stateHome, baseUrl: insisted, insisted });
    for (const own of ["http://127.0.0.1:4321", "http://localhost:4321/"]) {
      expect(await find(own)).toMatchObject({ kind: "local" });
    }
    for (const other of ["https://git.example.org", "http://127.0.0.1:1", "no address"]) {
      expect(await failureOf(find(other))).toMatchObject({ code: "bad_argument" });
    }
    // What the environment names is a default alone.
    const baseUrl = "https://git.example.org";
    expect(await findBelonging({ git, stateHome, baseUrl })).toMatchObject({ kind: "local" });
  });

  test("to no forge, and is told the way", async () => {
    const { find } = await newRepository();
    expect(await failureOf(find())).toMatchObject({
      code: "no_forge",
      next: expect.stringContaining("land init"),
    });
  });

  test("to the hosted forge that is named and has a session, by a remote named `forge` alone", async () => {
    const { git, stateHome, dir, find } = await newRepository();
    const [a, b] = ["https://a.example.org", "https://b.example.org"] as const;
    await writeSession(hostedSessionFile(stateHome, a), session(a));
    await writeSession(join(dir, "ph", "session.json"), session(b));
    await git.text(["remote", "add", "origin", "ssh://git@alias/x.git"]);
    expect(await failureOf(find(a))).toMatchObject({ code: "no_forge" });
    await git.text(["remote", "rename", "origin", "forge"]);
    expect(await failureOf(find())).toMatchObject({ code: "no_forge" });
    expect(await failureOf(find("https://c.example.org"))).toMatchObject({ code: "no_forge" });
    expect(await find(`${a}/`)).toMatchObject({ kind: "hosted", baseUrl: a, remote: "forge" });
    const referenceFile = join(dir, "ph", "session.json");
    expect(await findBelonging({ git, stateHome, referenceFile })).toMatchObject({
      kind: "hosted",
      baseUrl: b,
      sessionFile: referenceFile,
    });
  });

  test("to the session of its host that is named, where there are several", async () => {
    const { git, stateHome, find } = await newRepository();
    const [one, other] = ["https://f.example.org", "https://f.example.org:8443"] as const;
    for (const base of [one, other]) {
      await writeSession(hostedSessionFile(stateHome, base), session(base));
    }
    await git.text(["remote", "add", "origin", "git@f.example.org:x.git"]);
    for (const base of [one, other]) expect(await find(base)).toMatchObject({ baseUrl: base });
  });

  test("to the local forge that its config names, by whatever remote leads there", async () => {
    const { git, init, find } = await newRepository();
    const { stateDir } = await init();
    await git.text(["remote", "rename", "forge", "landing"]);
    expect(await find()).toMatchObject({
      kind: "local",
      remote: "landing",
      layout: { stateDir },
      settings: { target: "main" },
    });
  });

  test("to the local forge that its remote `forge` leads to", async () => {
    const { git, init, find } = await newRepository();
    const { stateDir } = await init();
    await git.text(["config", "--unset", "land.forge"]);
    expect(await find()).toMatchObject({ kind: "local", remote: "forge", layout: { stateDir } });
  });

  test("to a forge that is gone, and is told so", async () => {
    const { init, find } = await newRepository();
    const { stateDir } = await init();
    await rm(stateDir, { recursive: true });
    const error = await failureOf(find());
    expect(error).toMatchObject({ code: "no_forge" });
    expect(String(error)).toContain(stateDir);
  });

  test("to a local forge without a remote, and is told how to get it back", async () => {
    const { git, init, find } = await newRepository();
    await init();
    await git.text(["remote", "remove", "forge"]);
    expect(await failureOf(find())).toMatchObject({
      code: "no_forge",
      next: expect.stringContaining("land init"),
    });
  });

  test("to the hosted forge of its origin's host, if there is a session with it", async () => {
    const { git, stateHome, find } = await newRepository();
    await git.text(["remote", "add", "origin", "git@Git.Example.org:pika.git"]);
    // So that the default branch is known without asking a host that does not exist.
    const ref = "refs/remotes/origin/HEAD";
    await git.text(["symbolic-ref", ref, "refs/remotes/origin/master"]);
    expect(await failureOf(find())).toMatchObject({
      code: "no_forge",
      next: expect.stringContaining("land login"),
    });
    await writeSession(referenceSessionFile(stateHome), session("https://git.example.org"));
    expect(await find()).toMatchObject({
      kind: "hosted",
      baseUrl: "https://git.example.org",
      remote: "origin",
      target: "master",
      sessionFile: referenceSessionFile(stateHome),
    });
    const base = "https://git.example.org";
    await writeSession(hostedSessionFile(stateHome, base), session(base));
    expect(await find()).toMatchObject({ sessionFile: hostedSessionFile(stateHome, base) });
    expect(await find(`${base}/`)).toMatchObject({ kind: "hosted" });
    expect(await failureOf(find("https://elsewhere.example"))).toMatchObject({
      code: "unauthorized",
      message: expect.stringContaining("refusing to reuse its token"),
    });
  });

  test("to the address in its config, by the remote that leads there", async () => {
    const { git, find } = await newRepository();
    await git.text(["config", "land.forge", "https://git.example.org"]);
    expect(await failureOf(find())).toMatchObject({ code: "no_forge" });
    for (const [name, host] of [
      ["backup", "backup"],
      ["mine", "git"],
      ["other", "other"],
    ] as const) {
      await git.text(["remote", "add", name, `git@${host}.example.org:r.git`]);
      await git.text(["symbolic-ref", `refs/remotes/${name}/HEAD`, `refs/remotes/${name}/main`]);
    }
    expect(await find()).toMatchObject({ kind: "hosted", remote: "mine", target: "main" });
    await git.text(["remote", "remove", "mine"]);
    expect(await failureOf(find())).toMatchObject({
      code: "no_forge",
      next: expect.stringContaining("remote named `forge`"),
    });
  });

  test("to its own forge before its origin's", async () => {
    const { git, stateHome, init, find } = await newRepository();
    await git.text(["remote", "add", "origin", "https://git.example.org/o/r"]);
    await writeSession(referenceSessionFile(stateHome), session("https://git.example.org"));
    await init();
    expect(await find()).toMatchObject({ kind: "local" });
  });

  test("to no host that merely looks like one with a session", async () => {
    const { git, stateHome, find } = await newRepository();
    await writeSession(referenceSessionFile(stateHome), session("https://git.example.org"));
    await git.text(["remote", "add", "origin", "https://git.example.org.evil.example/o/r"]);
    expect(await failureOf(find())).toMatchObject({ code: "no_forge" });
  });
});

/** The forge of a repository, served by this very process. */
async function served() {
  const scene = await newRepository();
  const { layout } = await scene.init();
  const start = async () => {
    const settings = await requireSettings(layout);
    const { env, stateHome } = scene;
    const options = { version: "1.0.0", env, stateHome, idleSeconds: null };
    const server = await startServer(serverConfig(layout, settings, options));
    afterwards(() => server.close());
    await rememberPort(layout, server.port);
    await writeProcessFile(layout, {
      port: server.port,
      version: "1.0.0",
      instance: server.instance,
      startedAt: new Date().toISOString(),
    });
    return server;
  };
  const connections = new Connections({
    launcher: nothingStarts,
    version: "1.0.0",
    env: scene.env,
  });
  return { ...scene, layout, start, connections };
}

describe("a hosted forge", () => {
  test("is opened anew once there is a login, and once its target is known", async () => {
    const connections = new Connections({ launcher: nothingStarts, version: "1.0.0", env: {} });
    const open = (target: string | undefined, file: string | undefined) =>
      connections.open(
        {
          kind: "hosted",
          baseUrl: "https://git.example.org",
          remote: "origin",
          target,
          sessionFile: file,
        },
        "agent",
      );
    const first = await open(undefined, undefined);
    expect(await open(undefined, undefined)).toBe(first);
    const loggedIn = await open(undefined, "/state/session.json");
    expect(loggedIn).not.toBe(first);
    expect(await open("main", "/state/session.json")).not.toBe(loggedIn);
  });
});

describe("a local forge that runs", () => {
  test("is opened with either key, once each", async () => {
    const { find, layout, start, connections } = await served();
    await start();
    const belonging = await find();
    const settings = await requireSettings(layout);
    const agent = await connections.open(belonging, "agent");
    const owner = await connections.open(belonging, "owner");
    expect(await agent.identity()).toEqual({
      npub: settings.agentNpub,
      name: "agent",
      admin: false,
      canLand: true,
    });
    expect(await owner.identity()).toMatchObject({ npub: settings.ownerNpub, admin: true });
    expect(await connections.open(belonging, "agent")).toBe(agent);
    expect((await readSession(sessionFile(layout, "agent")))?.npub).toBe(settings.agentNpub);
    expect((await readSession(sessionFile(layout, "owner")))?.npub).toBe(settings.ownerNpub);
  });

  test("is followed to the port that it has after a restart", async () => {
    const { find, layout, start, connections } = await served();
    const first = await start();
    const belonging = await find();
    const agent = await connections.open(belonging, "agent");
    await agent.identity();
    await first.close();
    await removeProcessFile(layout, first.instance);
    await rememberPort(layout, 0);
    const second = await start();
    expect((await agent.identity()).npub).toBe((await requireSettings(layout)).agentNpub);
    expect(agent.origin).toBe(second.origin);
  });

  test("of an older version is drained before a newer one is started", async () => {
    const { env, find, layout, start } = await served();
    const server = await start();
    const newer = new Connections({ launcher: nothingStarts, version: "99.0.0", env });
    const failure = failureOf(newer.open(await find(), "agent"));
    expect(await server.closed).toBe("drained");
    await removeProcessFile(layout, server.instance);
    expect(String(await failure)).toContain("nothing was to be started");
  });
});
