/**
 * The demo: a small real repository, a local forge, and three agents that land at the same time
 * over MCP, each in a worktree of its own. One of them fails CI first, reads the log, fixes it
 * and lands. Leaves nothing behind.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { execa } from "execa";
import { type AgentTask, firstFiles, tasks } from "./shop.ts";

const land = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "dist", "land.js");
const began = performance.now();
const colours: Record<string, string> = { forge: "90", ada: "36", bob: "33", cyd: "35" };

function say(who: string, text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5);
  const name = who.padEnd(5);
  const shown = process.stdout.isTTY ? `\u001b[${colours[who] ?? "0"}m${name}\u001b[0m` : name;
  for (const line of text.trimEnd().split("\n")) console.log(`${seconds}s  ${shown}  ${line}`);
}

/** The demo's own surroundings: nothing of the user's configuration reaches it. */
function surroundings(home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    HOME: home,
    XDG_STATE_HOME: join(home, "state"),
    XDG_CACHE_HOME: join(home, "cache"),
    LANG: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Demo",
    GIT_AUTHOR_EMAIL: "demo@example.invalid",
    GIT_COMMITTER_NAME: "Demo",
    GIT_COMMITTER_EMAIL: "demo@example.invalid",
  };
}

class Shop {
  readonly dir: string;
  readonly env: Record<string, string>;

  constructor(dir: string, env: Record<string, string>) {
    this.dir = dir;
    this.env = env;
  }

  async git(cwd: string, ...args: string[]): Promise<string> {
    const { stdout } = await execa("git", args, { cwd, env: this.env, extendEnv: false });
    return stdout;
  }

  async land(...args: string[]): Promise<string> {
    const { stdout } = await execa(process.execPath, [land, ...args], {
      cwd: this.dir,
      env: this.env,
      extendEnv: false,
    });
    return stdout;
  }

  async commit(cwd: string, subject: string, files: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(cwd, path)), { recursive: true });
      await writeFile(join(cwd, path), text);
    }
    await this.git(cwd, "add", "--all");
    await this.git(cwd, "commit", "--quiet", "-m", subject);
  }
}

interface LandAnswer {
  state: string;
  number?: string;
  next?: string;
  why?: string;
  merge_commit?: string;
  lanes?: { lane: string; lane_run: string }[];
}

/** One agent: an MCP client of its own `land mcp`, in its own worktree. */
class Agent {
  readonly task: AgentTask;
  readonly #shop: Shop;
  readonly #worktree: string;
  readonly #client = new Client(
    { name: "demo-agent", version: "1" },
    { versionNegotiation: { mode: "auto" } },
  );

  constructor(shop: Shop, task: AgentTask) {
    this.task = task;
    this.#shop = shop;
    this.#worktree = join(dirname(shop.dir), task.agent);
  }

  async start(): Promise<void> {
    const { branch, subject, files } = this.task;
    await this.#shop.git(this.#shop.dir, "worktree", "add", "-q", "-b", branch, this.#worktree);
    await this.#shop.commit(this.#worktree, subject, files);
    await this.#client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [land, "mcp"],
        cwd: this.#worktree,
        env: this.#shop.env,
        stderr: "inherit",
      }),
    );
    say(this.task.agent, `works on ${branch} in a worktree of its own`);
  }

  async work(): Promise<void> {
    let answer = await this.#land();
    if (answer.state === "ci_failed" && this.task.fix !== undefined) {
      await this.#readLog(answer);
      await this.#shop.commit(this.#worktree, this.task.fix.subject, this.task.fix.files);
      say(this.task.agent, `fixed it: ${this.task.fix.subject}`);
      answer = await this.#land();
    }
    if (answer.state !== "landed") {
      throw new Error(
        `${this.task.agent} ended ${answer.state}: ${answer.why ?? answer.next ?? ""}`,
      );
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #land(): Promise<LandAnswer> {
    for (;;) {
      const answer = (await this.#call("land_branch", {})).structuredContent as LandAnswer;
      say(this.task.agent, `land_branch answered: ${answer.state}`);
      if (answer.state !== "waiting") return answer;
    }
  }

  async #readLog(answer: LandAnswer): Promise<void> {
    const lane = answer.lanes?.[0];
    if (lane === undefined) throw new Error("CI failed without a lane");
    const log = await this.#call("lane_logs", { lane_run: lane.lane_run, tail_bytes: 1500 });
    const text = (log.content as { type: string; text: string }[])[0]?.text ?? "";
    const telling = text.split("\n").filter((line) => /expected|actual|not ok|fail/i.test(line));
    say(this.task.agent, `read the log of lane ${lane.lane}:`);
    say(
      this.task.agent,
      telling
        .slice(0, 6)
        .map((line) => `  | ${line.trim()}`)
        .join("\n"),
    );
  }

  async #call(name: string, args: Record<string, unknown>) {
    const result = await this.#client.callTool(
      { name, arguments: args },
      { onprogress: ({ message }) => message && say(this.task.agent, message), timeout: 60_000 },
    );
    if (result.isError === true) {
      throw new Error(`${name}: ${(result.content as { text?: string }[])[0]?.text ?? "failed"}`);
    }
    return result;
  }
}

async function makeShop(home: string): Promise<Shop> {
  const shop = new Shop(join(home, "shop"), surroundings(home));
  await mkdir(shop.dir);
  await shop.git(shop.dir, "init", "--quiet", "--initial-branch=main");
  await shop.commit(shop.dir, "Begin the shop", firstFiles);
  return shop;
}

async function demo(home: string): Promise<void> {
  const shop = await makeShop(home);
  const agents = tasks.map((task) => new Agent(shop, task));
  try {
    say("forge", "land init makes a local forge for a small repository with three lanes");
    await shop.land("init");
    // One after another: git fails where two add a worktree at the same moment.
    for (const agent of agents) await agent.start();
    say("forge", "three agents land at the same time");
    const ends = await Promise.allSettled(agents.map((agent) => agent.work()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    await shop.git(shop.dir, "fetch", "--quiet", "forge");
    say("forge", "the target's history now:");
    say("forge", await shop.git(shop.dir, "log", "--graph", "--format=%h %s", "forge/main"));
    say("forge", "all three landed; each value of main was tested as exactly that tree");
  } finally {
    await Promise.allSettled(agents.map((agent) => agent.close()));
    await shop.land("stop").catch((error: Error) => say("forge", `land stop: ${error.message}`));
  }
}

const home = await mkdtemp(join(tmpdir(), "land-demo-"));
try {
  await demo(home);
} catch (error) {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
}
