import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { expect, it } from "vitest";
import { manifestOf } from "../support/cli.ts";
import { aFaultScene, type FaultScene, processesOf, rows } from "../support/faults.ts";
import { type Connected, spawnMcp } from "../support/mcp.ts";

const agents = 20;
/** Lines of the shared file that are an agent's own; more than git looks at around a change. */
const linesEach = 8;
const sharesFile = (agent: number) => agent % 2 === 0;

const lanes = {
  shared: ["sh", "checks/shared.sh"],
  parts: ["sh", "checks/parts.sh"],
};

const firstFiles = {
  "ci/forge-lanes.toml": manifestOf(lanes),
  "checks/shared.sh": `test "$(wc -l < shared.txt)" -eq ${agents * linesEach} && ! grep -q '<<<' shared.txt\n`,
  "checks/parts.sh":
    'for part in parts/*.txt; do test "$(cat "$part")" = "$part" || exit 1; done\nsleep 0.1\n',
  "parts/none.txt": "parts/none.txt\n",
  "shared.txt": sharedText([]),
};

/** The shared file as it is once these agents have changed their lines. */
function sharedText(changedBy: readonly number[]): string {
  const text = Array.from({ length: agents * linesEach }, (_, line) => {
    const agent = Math.floor(line / linesEach);
    const own = line % linesEach === 0 && changedBy.includes(agent);
    return `line ${line}${own ? ` of agent ${agent}` : ""}\n`;
  });
  return text.join("");
}

interface Landed {
  readonly agent: number;
  readonly head: string;
  readonly calls: readonly string[];
  readonly rebases: number;
  readonly seconds: number;
}

interface Agent {
  readonly agent: number;
  readonly connected: Connected;
}

/** An agent with its work done: a work tree of its own, and a client of its own `land mcp`. */
async function anAgent(scene: FaultScene, agent: number): Promise<Agent> {
  const own = `parts/${agent}.txt`;
  const worktree = await scene.worktree(`agent/${agent}`, {
    [own]: `${own}\n`,
    ...(sharesFile(agent) ? { "shared.txt": sharedText([agent]) } : {}),
  });
  return { agent, connected: await spawnMcp(worktree, scene.env) };
}

async function landAsAgent({ agent, connected }: Agent): Promise<Landed> {
  const calls: string[] = [];
  let rebases = 0;
  const begun = performance.now();
  for (;;) {
    const result = await connected.client.callTool(
      { name: "land_branch", arguments: {} },
      {
        timeout: 90_000,
        onprogress: ({ message }) => {
          if (message?.startsWith("rebased onto") === true) rebases += 1;
        },
      },
    );
    const answer = result.structuredContent as { state: string; head: string };
    calls.push(result.isError === true ? JSON.stringify(result.content) : answer.state);
    if (calls.at(-1) === "waiting" && calls.length < 20) continue;
    const seconds = (performance.now() - begun) / 1000;
    return { agent, head: answer.head, calls, rebases, seconds };
  }
}

function report(landed: readonly Landed[], scene: FaultScene, seconds: number): void {
  const runs = rows<{ status: string; reason: string | null; n: number }>(
    scene.stateDir,
    "SELECT status, reason, count(*) AS n FROM runs GROUP BY status, reason",
  );
  const served = rows<{ n: number }>(
    scene.stateDir,
    "SELECT count(DISTINCT run_id) AS n FROM lanes WHERE started_at IS NOT NULL",
  );
  const times = landed.map((one) => one.seconds).sort((a, b) => a - b);
  const rebases = landed.map((one) => one.rebases).sort((a, b) => a - b);
  console.log(
    [
      `${agents} agents landed in ${seconds.toFixed(1)} s; the first after ${times[0]?.toFixed(1)} s`,
      `CI runs: ${runs.map((each) => `${each.n} ${each.reason ?? each.status}`).join(", ")}; ` +
        `${((served[0]?.n ?? 0) / agents).toFixed(1)} started per landed branch`,
      `rebases: ${rebases.reduce((sum, each) => sum + each, 0)} in all, at most ${rebases.at(-1)} of one agent`,
      `calls: at most ${Math.max(...landed.map((one) => one.calls.length))} of one agent`,
    ].join("\n"),
  );
}

/** Runs a commit's own manifest by hand in a fresh checkout; answers the lanes that failed. */
function testAgain(scene: FaultScene, commit: string): string[] {
  const dir = mkdtempSync(join(scene.dir, "again-"));
  const run = (file: string, args: readonly string[]) =>
    spawnSync(file, args, { cwd: dir, env: scene.env, encoding: "utf8" });
  try {
    run("git", ["clone", "-q", "--no-checkout", scene.canonical, "."]);
    const out = run("git", ["checkout", "-q", "--detach", commit]);
    if (out.status !== 0) return [out.stderr];
    const manifest = parse(readFileSync(join(dir, "ci/forge-lanes.toml"), "utf8")) as {
      branch: { lanes: { id: string; command: [string, ...string[]] }[] };
    };
    const ran = manifest.branch.lanes.map(({ id, command: [file, ...args] }) => ({
      id,
      status: run(file, args).status,
    }));
    return ran.filter(({ status }) => status !== 0).map(({ id }) => `${id} of ${commit}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

it(`lands ${agents} agents' branches at once: none lost, each value of the target tested`, async () => {
  await using scene = await aFaultScene(firstFiles);
  const everyone = Array.from({ length: agents }, (_, agent) => agent);
  await using clients = new AsyncDisposableStack();
  const ready: Agent[] = [];
  for (const number of everyone) {
    const agent = await anAgent(scene, number);
    clients.use(agent.connected);
    ready.push(agent);
  }
  const begun = performance.now();
  const landed = await Promise.all(ready.map(landAsAgent));
  report(landed, scene, (performance.now() - begun) / 1000);

  expect(landed.filter((one) => one.calls.at(-1) !== "landed")).toEqual([]);
  const { git, canonical } = scene;
  for (const { head } of landed) {
    await git(canonical, "merge-base", "--is-ancestor", head, "refs/heads/main");
  }
  const atTip = (path: string) => git(canonical, "show", `main:${path}`);
  expect(`${await atTip("shared.txt")}\n`).toBe(sharedText(everyone.filter(sharesFile)));
  for (const agent of everyone) {
    expect(await atTip(`parts/${agent}.txt`)).toBe(`parts/${agent}.txt`);
  }

  expect(await git(canonical, "fsck", "--full", "--strict", "--no-dangling")).toBe("");
  const values = (await git(canonical, "rev-list", "--first-parent", "main")).split("\n");
  expect(values).toHaveLength(agents + 1);
  expect(values.flatMap((commit) => testAgain(scene, commit))).toEqual([]);

  expect(await git(canonical, "for-each-ref", "--format=%(refname)", "refs/heads")).toBe(
    "refs/heads/main",
  );
  expect(rows(scene.stateDir, "SELECT name FROM branches WHERE state <> 'merged'")).toEqual([]);
  expect(rows(scene.stateDir, "SELECT id FROM journal WHERE state <> 'done'")).toEqual([]);
  await clients.disposeAsync();
  await scene.stop();
  expect(processesOf(scene.dir)).toEqual([]);
});
