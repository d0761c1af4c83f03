import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Check } from "../../../src/doctor/check.ts";
import { lookAround } from "../../../src/doctor/look.ts";
import { checkMirror } from "../../../src/doctor/mirror.ts";
import { Git } from "../../../src/git/git.ts";
import { configuredForge } from "../../../src/local/find-forge.ts";
import { keyFile } from "../../../src/local/layout.ts";
import { mirrorShape } from "../../../src/local/mirror-settings.ts";
import { lookForForge, writeProcessFile } from "../../../src/local/process.ts";
import { updateSettings } from "../../../src/local/settings.ts";
import { lookAtManifest } from "../../../src/server/ci/manifest-file.ts";
import { afterwards } from "../../support/agent-half.ts";
import { loginScene } from "../../support/login-scene.ts";
import { onLoopback } from "../../support/loopback.ts";

let scene: Awaited<ReturnType<typeof loginScene>>;
let forge: Awaited<ReturnType<(typeof scene)["serveForge"]>>;
let bare: string;

beforeEach(async () => {
  scene = await loginScene();
  forge = await scene.serveForge();
  bare = join(scene.dir, "mirror.git");
  await mkdir(bare);
  await scene.git("-C", bare, "init", "-q", "--bare", "--initial-branch=main");
});

async function setMirror(change: object): Promise<void> {
  const mirror = mirrorShape.parse({ url: bare, intervalSeconds: 0, ...change });
  await updateSettings(forge.layout, (settings) => ({ ...settings, mirror }));
}

async function mirrorChecks(): Promise<Record<string, Check>> {
  const checks = await lookAround(
    {
      path: scene.repo,
      stateFolder: scene.stateHome,
      env: scene.env,
      version: "1.0.0",
      storeProblem: async () => undefined,
      lookAtManifest,
      node: { version: "24.0.0", execPath: process.execPath },
    },
    new AbortController().signal,
  );
  const ours = checks.filter(({ name }) => name.startsWith("mirror"));
  const faults = ours.filter(({ state }) => state === "missing" || state === "blocked");
  // A mirror's trouble is no fault of this machine, unless it keeps everything from landing.
  expect(faults.filter(({ found }) => !found.includes("landing stands still"))).toEqual([]);
  return Object.fromEntries(ours.map((check) => [check.name, check]));
}

/** A commit on the mirror's target that the forge does not have. */
async function commitThere(): Promise<void> {
  const theirs = join(scene.dir, "theirs");
  await scene.git("clone", "-q", bare, theirs);
  await scene.git("-C", theirs, "commit", "-q", "--allow-empty", "-m", "there");
  await scene.git("-C", theirs, "push", "-q", "origin", "main");
}

describe("a mirror as the doctor sees it", () => {
  it("is not mentioned where there is none", async () => {
    expect(await mirrorChecks()).toEqual({});
  });

  it("has its address, its interval, and how the pushes of a running forge went", async () => {
    await setMirror({ intervalSeconds: 900 });
    expect(await mirrorChecks()).toMatchObject({
      mirror: { state: "ok", found: bare },
      "mirror interval": { state: "ok", found: expect.stringContaining("every 900 s") },
    });
    await scene.land(["mirror", "sync"]);
    expect(await mirrorChecks()).toMatchObject({
      "mirror state": { state: "ok", found: expect.stringContaining("nothing lags; last success") },
    });
  });

  it("is by hand alone at an interval of 0, and was not pushed to yet", async () => {
    await setMirror({});
    expect(await mirrorChecks()).toMatchObject({
      "mirror interval": { state: "note", next: "`land mirror sync` pushes." },
      "mirror state": { state: "note", found: "nothing was pushed yet" },
    });
  });

  it("failed, and what is to be done then", async () => {
    await setMirror({ url: join(scene.dir, "nowhere.git") });
    await scene.land(["mirror", "sync"]);
    expect(await mirrorChecks()).toMatchObject({
      "mirror state": {
        state: "note",
        found: expect.stringMatching(/^last push failed \(config, 1×; .*last success: none\)/),
        next: expect.stringContaining("`land mirror set`"),
      },
    });
  });

  it("diverged, with both ways out", async () => {
    await setMirror({ import: true });
    await scene.land(["mirror", "sync"]);
    await commitThere();
    const canonical = forge.layout.repositoryDir;
    const tree = await scene.git("-C", canonical, "rev-parse", "main^{tree}");
    const here = await scene.git(
      ...["-C", canonical, "commit-tree", tree, "-p", "main", "-m", "here"],
    );
    await scene.git("-C", canonical, "update-ref", "refs/heads/main", here);
    await scene.land(["mirror", "sync"]);
    expect(await mirrorChecks()).toMatchObject({
      "mirror state": {
        state: "missing",
        found: expect.stringMatching(/^diverged, and landing stands still .*does not contain/),
        next: expect.stringMatching(/Land a branch that merges .*or the owner puts/),
      },
    });
  });

  it("diverged where nobody was to merge, which stops no landing", async () => {
    await setMirror({});
    await scene.land(["mirror", "sync"]);
    await commitThere();
    await scene.land(["mirror", "sync"]);
    const { "mirror state": state } = await mirrorChecks();
    expect(state).toMatchObject({
      found: expect.stringMatching(/^diverged \(diverged, 1×; 1 ref lags \(refs\/heads\/main\)/),
      next: expect.stringContaining("--import"),
    });
  });
});

describe("what is not there to be asked", () => {
  it("is a forge that does not run, and none is started", async () => {
    await setMirror({});
    await forge.server.close();
    await rm(forge.layout.processFile, { force: true });
    expect(await mirrorChecks()).toMatchObject({
      mirror: { state: "ok" },
      "mirror state": { state: "note", found: expect.stringContaining("does not run") },
    });
    await expect(stat(forge.layout.processFile)).rejects.toThrow("ENOENT");
  });

  it("is a forge whose owner's key is elsewhere", async () => {
    await setMirror({});
    await rm(keyFile(forge.layout, "owner"));
    expect((await lookMirror()).at(-1)).toMatchObject({
      state: "note",
      found: expect.stringContaining("cannot be read here"),
    });
  });

  it("is a forge that hangs: the doctor goes on", async () => {
    await setMirror({});
    const { origin } = forge;
    const about = await (await fetch(`${origin}/git/api/forge/about`)).text();
    const { origin: hanging, close } = await onLoopback(
      createServer((request, response) => {
        if (request.url?.startsWith("/git/api/forge/about") === true) response.end(about);
      }),
    );
    afterwards(close);
    const file = JSON.parse(await readFile(forge.layout.processFile, "utf8"));
    const port = Number(new URL(hanging).port);
    await writeProcessFile(forge.layout, { ...file, port });
    expect((await lookMirror(200)).at(-1)).toMatchObject({
      state: "note",
      found: "not known: the forge did not say in time",
    });
  });
});

/** The mirror's checks alone, with a deadline of our own. */
async function lookMirror(deadlineMs?: number): Promise<readonly Check[]> {
  const git = new Git({ dir: scene.repo, env: scene.env });
  const known = await configuredForge(git);
  if (known === undefined) throw new Error("no forge");
  const looking = lookForForge(known.layout);
  const commonDir = join(scene.repo, ".git");
  const place = { forge: known, looking, git, commonDir, deadlineMs };
  return checkMirror(place, new AbortController().signal);
}

describe("a mirror's token", () => {
  const url = "https://git.example.org/a/b.git";
  const tokenCheck = async () => (await lookMirror()).filter(({ name }) => name === "mirror token");
  const token = (file: string) => join(scene.dir, file);
  const write = (file: string, text = "hush-hush-hush", mode = 0o600) =>
    writeFile(file, text, { mode });

  it("is in a private file outside the repository", async () => {
    await write(token("token"));
    await setMirror({ url, tokenFile: token("token") });
    expect(await tokenCheck()).toMatchObject([
      { state: "ok", found: expect.stringContaining("outside the repository") },
    ]);
  });

  it("has a file that is not there, is empty, or is not private", async () => {
    const tokenFile = token("token");
    await setMirror({ url, tokenFile });
    expect(await tokenCheck()).toMatchObject([
      { state: "note", found: expect.stringMatching(/is not there$/) },
    ]);
    await write(tokenFile, "");
    await chmod(tokenFile, 0o644);
    expect(await tokenCheck()).toMatchObject([
      { state: "note", next: expect.stringContaining(`chmod 600 ${tokenFile}`) },
      { state: "note", found: expect.stringContaining("is empty") },
    ]);
  });

  it("is not to lie in the repository: in no work tree, in git's folder, or behind a link", async () => {
    const other = join(scene.dir, "other");
    await scene.git("worktree", "add", "-q", "-b", "b", other);
    const inside = [scene.repo, join(scene.repo, ".git"), other, forge.layout.repositoryDir];
    await symlink(join(scene.repo, "token"), token("link"));
    for (const folder of inside) await write(join(folder, "token"));
    for (const file of [...inside.map((folder) => join(folder, "token")), token("link")]) {
      await setMirror({ url, tokenFile: file });
      const [check] = await tokenCheck();
      expect([file, check?.state, check?.found]).toEqual([
        file,
        "note",
        expect.stringContaining("lies in the repository"),
      ]);
    }
  });

  it("is never shown, be it in the settings or in an address", async () => {
    await setMirror({ url, token: "hush-hush-hush" });
    expect(await tokenCheck()).toMatchObject([{ state: "ok", found: "in forge.json" }]);
    expect(JSON.stringify(await lookMirror())).not.toContain("hush");
    const text = await readFile(forge.layout.settingsFile, "utf8");
    await writeFile(forge.layout.settingsFile, text.replace("//git.", "//me:hush-hush@git."));
    const said = await scene.land(["doctor"]);
    expect(said.out).toContain("it holds a login");
    expect(said.out).not.toContain("hush");
  });

  it("may be a variable's, or none, and is of no use but for HTTP", async () => {
    await setMirror({ url, tokenEnv: "MIRROR_TOKEN" });
    expect(await tokenCheck()).toMatchObject([{ found: expect.stringContaining("MIRROR_TOKEN") }]);
    await setMirror({ url });
    expect(await tokenCheck()).toMatchObject([{ found: expect.stringContaining("none") }]);
    await setMirror({ url: "git@example.org:a/b.git", tokenEnv: "MIRROR_TOKEN" });
    expect(await tokenCheck()).toMatchObject([{ found: expect.stringContaining("not used") }]);
    await setMirror({ url: "git@example.org:a/b.git" });
    expect(await tokenCheck()).toEqual([]);
  });
});
