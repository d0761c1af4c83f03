import { readdirSync } from "node:fs";
import { join } from "node:path";
import matter from "gray-matter";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { catalogue } from "../../src/operations/catalogue.ts";
import { type ClientScene, clientScene, type PromptOptions } from "./client-scene.ts";
import { type HeadlessClient, toolOf, whySkipped } from "./clients.ts";
import { type Asked, type MockModel, mockModel, type Turn } from "./mock-model.ts";
import { root } from "./sources.ts";

/** What is a client's own in the tests that all of them share. */
export interface Particulars {
  /** What the person does after the set-up, where a client asks for it. */
  review?(scene: ClientScene): Promise<void>;
  /** How a person lets our tools run without being asked, where the client's own line does not. */
  readonly consent?: readonly string[];
  /** The tool that must be called before ours can be, and with what. */
  readonly opens?: (tool: string) => Extract<Turn, { call: string }>;
}

/** What of ours a model was told, in a form that a failed comparison shows in a few lines. */
export interface Heard {
  /** The folder that the brief is about; undefined where there is no brief. */
  readonly brief: string | undefined;
  /** Lines of the brief that did not arrive. */
  readonly missing: readonly string[];
  readonly tools: readonly string[];
  readonly skills: readonly string[];
  /** Whether the words about the forge are there that stand in the instructions' file. */
  readonly instructed: boolean;
}

const toolNames = catalogue.flatMap(({ faces }) => faces.tool ?? []).sort();
const skillNames = readdirSync(join(root, "skills")).sort();

/** Everything of ours, as a session in `folder` hears it. */
export function all(folder: string): Heard {
  return { brief: folder, missing: [], tools: toolNames, skills: skillNames, instructed: true };
}

export const nothing: Heard = {
  brief: undefined,
  missing: [],
  tools: [],
  skills: [],
  instructed: false,
};

/** What of ours was in a request. `brief` is what the command itself prints in that folder. */
function heardIn(client: HeadlessClient, asked: Asked, brief = ""): Heard {
  const lines = new Set(asked.text.split("\n").map((line) => line.trim()));
  const offered = (name: string) => {
    const tool = toolOf(client, name);
    // Claude Code names most tools in a list and describes them when they are asked for.
    return asked.tools.includes(tool) || lines.has(tool);
  };
  return {
    brief: /^Work tree: (\S+)/m.exec(asked.text)?.[1],
    missing: steadyLines(brief).filter((line) => !lines.has(line)),
    tools: toolNames.filter(offered),
    skills: skillNames.filter((name) => asked.text.includes(beginningOf(name))),
    instructed: asked.text.includes("This holds where the repository has a forge"),
  };
}

/** The brief's lines that two runs have in common: no times, no name of the file with all of it. */
function steadyLines(brief: string): string[] {
  const changing = /\d{4}-\d\d-\d\dT|\bago\b|forge-landing-kit\/briefs/;
  const lines = brief.split("\n").map((line) => line.trim());
  return lines.filter(
    (line) => line !== "" && !line.startsWith("# Session") && !changing.test(line),
  );
}

/** Clients cut long descriptions of skills; the beginning is what all of them show. */
function beginningOf(skill: string): string {
  const { data } = matter.read(join(root, "skills", skill, "SKILL.md"));
  return String(data.description).slice(0, 100);
}

/** One session with a greeting as its answer; what of ours its first request had. */
export async function hear(
  scene: ClientScene,
  client: HeadlessClient,
  how: PromptOptions = {},
): Promise<Heard> {
  const cwd = how.cwd ?? scene.repo;
  await using model = await mockModel();
  const ran = await scene.prompt(client, model, how);
  expect(model.refused).toEqual([]);
  expect(ran.out).toContain("Hello.");
  const { out } = await scene.inHome(["agent-brief", "--format", "text"], cwd);
  // A brief as long as it may be, so that a client that cuts it is found out.
  expect(out.length).toBeGreaterThan(9_000);
  const heard = heardIn(client, model.first(), out);
  return heard.brief === undefined ? { ...heard, missing: [] } : heard;
}

/** `land setup`, which must work; what it says. */
export async function setUp(scene: ClientScene, ...args: string[]): Promise<string> {
  const ran = await scene.land(["setup", ...args, "--yes"]);
  expect(ran).toMatchObject({ code: 0 });
  return ran.out;
}

/** The tests that every client must pass after `land setup` in the user's own scope. */
export function describeClient(client: HeadlessClient, particulars: Particulars = {}): void {
  const skipped = whySkipped(client);
  describe.skipIf(skipped !== "")(`${client} after its set-up${skipped}`, () => {
    let scene: ClientScene;

    beforeAll(async () => {
      scene = await clientScene(client);
      await setUp(scene, client);
      await particulars.review?.(scene);
    });

    afterAll(() => scene[Symbol.asyncDispose]());

    it("has the brief, all tools and the skills in its first request", async () => {
      expect(await hear(scene, client)).toEqual(all(scene.repo));
    });

    it("has them in a sibling worktree too, about that one", async () => {
      const folder = join(scene.dir, "sibling");
      await scene.git("worktree", "add", "-q", "-b", "feature/sibling", folder, "main");
      expect(await hear(scene, client, { cwd: folder })).toEqual(all(folder));
    });

    it("lands a branch through the tools", async () => {
      const head = await scene.branch("feature/landed", { "landed.txt": "1\n" });
      await using model = await mockModel(landing(client, particulars.opens));
      await scene.prompt(client, model, { args: particulars.consent ?? [] });
      expect(model.refused).toEqual([]);
      expect(lastResult(model)).toContain("landed");
      await scene.git("fetch", "-q", "forge");
      const tip = await scene.git("rev-parse", "refs/remotes/forge/main^2");
      expect(tip).toBe(head);
    });

    it("leaves the work tree alone and, set up again, everything as it is", async () => {
      expect(await scene.git("status", "--porcelain", "--ignored")).toBe("");
      await setUp(scene, client);
      expect(await hear(scene, client)).toEqual(all(scene.repo));
    });

    it("asks nobody but its model", () => {
      expect([...scene.wanted]).toEqual([]);
    });

    it("knows nothing of us after --undo", async () => {
      await setUp(scene, client, "--undo");
      expect(await hear(scene, client)).toEqual(nothing);
    });
  });
}

/** A model that calls `land_branch` until it has landed, for a few rounds. */
function landing(client: HeadlessClient, opens: Particulars["opens"]): (asked: Asked) => Turn {
  const tool = toolOf(client, "land_branch");
  return ({ tools, results }) => {
    const last = results.at(-1) ?? "";
    if (last.includes("landed") || results.length > 4) return { say: "Done." };
    if (opens !== undefined && !tools.includes(tool)) return opens(tool);
    return { call: tool, given: { max_seconds: 30 } };
  };
}

function lastResult({ asked }: MockModel): string {
  return asked.at(-1)?.results.at(-1) ?? "(no tool was called)";
}
