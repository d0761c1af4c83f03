import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { identityOf, isStillThere } from "../../../src/process/identity.ts";
import { findPinnedNode } from "../../../tools/toolchain/pinned-node.mjs";
import { sectionFile } from "../../support/brief.ts";
import {
  aRepository,
  type ForgeScene,
  type Ran,
  runToEnd,
  type Scene,
  withForge,
} from "../../support/cli.ts";
import { root } from "../../support/sources.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const program = join(root, "dist", "agent-brief.js");

function brief(
  scene: Scene,
  args: readonly string[] = [],
  how: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const env = { ...scene.env, ...how.env };
  return runToEnd(process.execPath, [program, ...args], { cwd: how.cwd ?? scene.repo, env });
}

/** Starts a brief in a scene whose one own section hangs once it has written its number. */
async function hanging(scene: Scene, args: readonly string[] = []): Promise<ChildProcess> {
  await scene.git("config", "land.briefCommands", "true");
  const command = "echo begun; echo $$ > ../section; exec sleep 1000";
  await scene.write({ "briefs/own.md": sectionFile({ title: "Own", command, timeout: 60 }) });
  const child = spawn(process.execPath, [program, ...args], { cwd: scene.repo, env: scene.env });
  await expect.poll(() => readdir(scene.dir), { timeout: 20_000 }).toContain("section");
  await expect.poll(() => readFile(join(scene.dir, "section"), "utf8")).toMatch(/\n$/);
  return child;
}

async function outputOf(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  return Buffer.concat(chunks).toString();
}

describe("with a forge", () => {
  let scene: ForgeScene;

  beforeAll(async () => {
    scene = await withForge();
  });

  afterAll(() => scene[Symbol.asyncDispose]());

  it("tells rules, branch, CI, queue and commands in their order, to people, clients and programs", async () => {
    const head = await scene.branch("work", { "readme.txt": "two\n" });
    await scene.land(["push"]);
    await scene.land(["wait"]);
    const ran = await brief(scene);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out.length).toBeLessThanOrEqual(9500);
    const titles = [...ran.out.matchAll(/^#+ (.*)$/gm)].map((match) => match[1]);
    expect(titles).toEqual([
      "Session brief",
      "How work lands here",
      "The branch checked out here",
      "Open branches and their CI",
      "CI queue",
      "`land` on the command line",
    ]);
    expect(ran.out).toContain(`HEAD: ${head.slice(0, 12)} "work on work", branch \`work\`; clean`);
    expect(ran.out).toMatch(
      /^Forge: local, remote `forge`, target `main`; logged in: npub1\w+ \(may land\)$/m,
    );
    expect(ran.out).toContain("work (#1): open, target main");
    expect(ran.out).toContain("#1 work · open · ci success");
    expect(ran.out).toContain("0 running, 0 waiting");

    // Every format has a unit test; these two stand for them.
    const parsed = async (format: string) => (await brief(scene, ["--format", format])).json();
    const context = expect.stringMatching(/^# Session brief\n[\s\S]*## CI queue\n/);
    const nested = {
      hookSpecificOutput: { hookEventName: "SessionStart", additionalContext: context },
    };
    const [claude, json] = await Promise.all(["claude", "json"].map(parsed));
    expect(claude).toEqual(nested);
    expect(json).toMatchObject({
      text: context,
      folder: scene.repo,
      sections: expect.arrayContaining([
        expect.objectContaining({ name: "status", state: "done" }),
      ]),
    });
  });

  it("runs a repository's sections by the user's `land init`, in this process only what changes nothing", async () => {
    await scene.branch("sections", {
      "briefs/look.md": sectionFile({ title: "Look", command: ["land", "url"] }),
      "briefs/push.md": sectionFile({ title: "Push", command: ["land", "push", "--json"] }),
    });
    const ran = await brief(scene, ["--format", "json"]);
    const { text } = ran.json() as { text: string };
    expect(text).toMatch(/## Push \(this repository's own section\)\n<<< .*\n\{.*"state":"pushed"/);
    expect((await brief(scene, ["--section", "look"])).out).toMatch(
      /\nhttp:\/\/127\.0\.0\.1:\d+\/.*\/\d+\n/,
    );
  });

  it("masks the forge's token and the values of lanes", async () => {
    await scene.branch("secrets", { "secrets.txt": "1\n" });
    await scene.land(["env", "set", "NPM_VALUE"], { stdin: "value-of-a-lane" });
    const sessions = join(scene.stateDir, "sessions", "agent.json");
    const command = `cat ${sessions}; echo value-of-a-lane`;
    await scene.write({ "briefs/own.md": sectionFile({ title: "Own", command, order: 1 }) });
    await scene.land(["whoami"]);
    const { token } = JSON.parse(await readFile(sessions, "utf8")) as { token: string };
    const { out } = await brief(scene);
    expect(out).toContain('"token": "[masked]"');
    expect(out).not.toContain(token);
    expect(out).not.toContain("value-of-a-lane");
  });
});

// Most of their time is waiting, so all that follows runs at the same time.
describe.concurrent("the place", () => {
  it("knows the client by its environment, and the project by the client's variable", async () => {
    await using scene = await aRepository();
    const env = { CLAUDE_PROJECT_DIR: scene.repo, COPILOT_CLI: "1" };
    const { additionalContext } = (await brief(scene, [], { cwd: scene.dir, env })).json();
    expect(additionalContext).toContain(`Work tree: ${scene.repo}\n`);
    const gone = { CLAUDE_PROJECT_DIR: join(scene.dir, "gone") };
    const ran = await brief(scene, ["-C", scene.repo, "--format", "text"], {
      cwd: scene.dir,
      env: gone,
    });
    expect(ran.out).toContain(`Work tree: ${scene.repo}\n`);
  });
});

describe.concurrent("where something is missing", () => {
  it("is short where there is no repository or no forge", async () => {
    await using scene = await aRepository();
    const none = await brief(scene, [], { cwd: scene.dir });
    expect(none).toMatchObject({ code: 0, err: "" });
    expect(none.out).toContain(`No git repository here (${scene.dir}).`);
    const bare = await brief(scene);
    expect(bare.out).toMatch(/^Forge: none\. /m);
    expect(bare.out).not.toContain("##");
    expect(none.out.length + bare.out.length).toBeLessThan(1200);
  });

  it("says in short words that the forge cannot be reached, or is gone", async () => {
    await using scene = await aRepository();
    await scene.git("remote", "add", "forge", "http://127.0.0.1:9/repo.git");
    await scene.git("config", "land.forge", "http://127.0.0.1:9");
    const away = await brief(scene);
    expect(away).toMatchObject({ code: 0, err: "" });
    expect(away.out).toMatch(/^Forge: http:\/\/127\.0\.0\.1:9, remote `forge`/m);
    expect(away.out).toMatch(
      /## The branch checked out here\nExit code 9:\n.*\b127\.0\.0\.1:9\b.*\(forge_unreachable\)/,
    );
    expect(away.out).toContain(
      '## CI queue\nThe same failure as under "The branch checked out here".\n',
    );
    expect(away.out).toContain("logged in: unknown (");
    await scene.git("config", "land.forge", join(scene.dir, "gone"));
    const gone = await brief(scene);
    expect(gone.out).toMatch(/^Forge: none\. .*is gone/m);
  });

  it("says so where the current folder is gone", async () => {
    await using scene = await aRepository();
    const here = join(scene.dir, "here");
    await mkdir(here);
    const script = `rmdir "${here}" && exec "${process.execPath}" "${program}"`;
    const ran = await runToEnd("/bin/sh", ["-c", script], { cwd: here, env: scene.env });
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(
      /^The session brief could not be made: The current folder does not exist/,
    );
  });
});

describe.concurrent("the end, which is always exit code 0", () => {
  it("ignores what it does not know, and says so", async () => {
    await using scene = await aRepository();
    const ran = await brief(scene, ["--bogus", "word", "--format", "html"]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out.match(/^Note: /gm)).toHaveLength(3);
    expect((await brief(scene, ["--help", "--bogus"])).out).toMatch(/^Usage: agent-brief/);
    expect((await brief(scene, ["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("never waits for what a client may send on standard input", async () => {
    await using scene = await aRepository();
    const child = spawn(process.execPath, [program], { cwd: scene.repo, env: scene.env });
    expect(await outputOf(child)).toMatch(/^# Session brief\n/);
    expect(child.exitCode).toBe(0);
  });

  it("prints what it has when it is told to stop, and leaves nothing running", async () => {
    await using scene = await aRepository();
    const child = await hanging(scene);
    const section = identityOf(Number(await readFile(join(scene.dir, "section"), "utf8")));
    expect(isStillThere(section)).toBe(true);
    child.kill("SIGTERM");
    expect(await outputOf(child)).toMatch(/told to stop before this had ended\.\n[\s\S]*\nbegun\n/);
    expect(child.exitCode).toBe(0);
    expect(isStillThere(section)).toBe(false);
  });

  it("ends at its own deadline, however long a section may take", async () => {
    await using scene = await aRepository();
    const child = await hanging(scene, ["--timeout", "4"]);
    const section = identityOf(Number(await readFile(join(scene.dir, "section"), "utf8")));
    expect(await outputOf(child)).toMatch(/did not end within [\d.]+ s and was stopped/);
    expect(child.exitCode).toBe(0);
    expect(isStillThere(section)).toBe(false);
  });

  it("ends in order when its reader is gone", async () => {
    await using scene = await aRepository();
    const child = await hanging(scene);
    child.stdout?.destroy();
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("makes no brief inside a section", async () => {
    await using scene = await aRepository();
    await scene.git("config", "land.briefCommands", "true");
    const command = [process.execPath, program];
    await scene.write({ "briefs/own.md": sectionFile({ title: "Own", command }) });
    expect((await brief(scene)).out).toContain("\nNo brief is made inside a section of a brief.\n");
  });
});

describe.concurrent("the launcher", () => {
  const beOld = [
    "--import",
    'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})',
  ];
  /** A copy of the launcher alone, as if its package were broken. */
  async function alone(scene: Scene, bundle?: string): Promise<string> {
    const copy = join(scene.dir, "package", "dist", "agent-brief.mjs");
    await mkdir(join(copy, ".."), { recursive: true });
    await copyFile(program, copy);
    if (bundle !== undefined) await writeFile(join(copy, "..", "brief.js"), bundle);
    return copy;
  }

  it.runIf(findPinnedNode(root) !== undefined)("goes on with the checkout's Node", async () => {
    await using scene = await aRepository();
    const args = [...beOld, program];
    const ran = await runToEnd(process.execPath, args, { cwd: scene.repo, env: scene.env });
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^# Session brief\n/) });
  });

  it("says on standard output which Node it needs where it has none", async () => {
    await using scene = await aRepository();
    const args = [...beOld, await alone(scene)];
    const ran = await runToEnd(process.execPath, args, { cwd: scene.repo, env: scene.env });
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^The session brief could not be made: agent-brief needs Node 22\.13/);
  });

  it.each([
    ["is missing", undefined],
    ["does not parse", "export const ="],
    ["throws", "export async function main() { throw new Error('broken'); }"],
  ])("says so where its bundle %s", async (_, bundle) => {
    await using scene = await aRepository();
    const args = [await alone(scene, bundle)];
    const ran = await runToEnd(process.execPath, args, { cwd: scene.repo, env: scene.env });
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^The session brief could not be made: agent-brief failed\. /);
    await rm(join(scene.dir, "package"), { recursive: true });
  });
});
