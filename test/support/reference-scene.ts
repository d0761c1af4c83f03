import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { decode } from "nostr-tools/nip19";
import { finalizeEvent } from "nostr-tools/pure";
import { catalogue } from "../../src/operations/catalogue.ts";
import { type OpenWorktree, worktreeOpener } from "../../src/operations/open-worktree.ts";
import { runToEnd } from "./cli.ts";
import { runInProcess, scriptedTerminal } from "./cli-in-process.ts";
import { gitTestEnvironment } from "./git-environment.ts";
import { type Connected, connectInMemory } from "./mcp.ts";
import {
  type Key,
  type Reference,
  type ReferenceOptions,
  startReference,
} from "./reference/index.ts";

type View = Record<string, unknown>;

export interface ToolAnswer {
  readonly isError: boolean;
  /** The structured answer, or the error's parts. */
  readonly view: View;
  readonly text: string;
}

/** A clone of the double's repository, whose owner logged in there as the reference client does. */
export interface ReferenceScene extends AsyncDisposable {
  readonly forge: Reference;
  readonly dir: string;
  readonly repo: string;
  readonly env: Readonly<Record<string, string>>;
  /** Opens work trees as a process that lives long does: one login, one stream. */
  readonly openWorktree: OpenWorktree;
  git(...args: string[]): Promise<string>;
  /** Commits files on a branch, made from the target where it is new, and leaves it checked out. */
  commit(branch: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Writes the reference client's session file for one of the double's keys. */
  logIn(key?: Key, stateDir?: string): Promise<void>;
  /** Calls a tool over MCP. */
  tool(name: string, given?: View, signal?: AbortSignal): Promise<ToolAnswer>;
  /** Runs a command line in this process. `answers`: a person is there. */
  land(
    args: readonly string[],
    answers?: readonly string[],
  ): Promise<{ code: number; out: string; err: string }>;
  /** How often something was asked for so far. */
  asked(pattern: RegExp): number;
  onTarget(commit: string): Promise<boolean>;
}

export async function referenceScene(options: ReferenceOptions): Promise<ReferenceScene> {
  const forge = await startReference(options);
  const dir = await realpath(await mkdtemp(join(tmpdir(), "land-on-reference-")));
  const repo = join(dir, "repo");
  const env = {
    ...gitTestEnvironment(join(dir, "home"), "Tester"),
    XDG_STATE_HOME: join(dir, "state"),
  };
  const run = async (cwd: string, args: readonly string[]) => {
    const ran = await runToEnd("git", args, { cwd, env });
    if (ran.code !== 0) throw new Error(`git ${args.join(" ")}: ${ran.err}`);
    return ran.out.trim();
  };
  const git = (...args: string[]) => run(repo, args);
  await run(dir, ["clone", "-q", forge.bare, repo]);
  await git("config", "land.forge", forge.baseUrl);
  const openWorktree = worktreeOpener({
    launcher: () => [process.execPath, "-e", "process.exit(1)"],
    version: "0.0.0",
    env,
    cwd: repo,
    stateHome: env.XDG_STATE_HOME,
  });
  let client: Promise<Connected> | undefined;
  const logIn = async (key = forge.writer, stateDir = join(env.XDG_STATE_HOME, "ph")) => {
    await mkdir(stateDir, { recursive: true });
    const text = JSON.stringify(await sessionOf(forge, key));
    await writeFile(join(stateDir, "session.json"), text, { mode: 0o600 });
  };
  await logIn();
  return {
    forge,
    dir,
    repo,
    env,
    openWorktree,
    git,
    logIn,
    async commit(branch, files) {
      const there = await git("branch", "--list", branch);
      if (there === "") {
        await git("fetch", "-q", "origin");
        await git("switch", "-q", "--no-track", "-c", branch, `origin/${forge.defaultBranch}`);
      } else await git("switch", "-q", branch);
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(repo, path)), { recursive: true });
        await writeFile(join(repo, path), text);
      }
      await git("add", "-A");
      await git("commit", "-qm", `work on ${branch}`);
      return git("rev-parse", "HEAD");
    },
    async tool(name, given = {}, signal) {
      client ??= connectInMemory({ openWorktree });
      const call = { name, arguments: given };
      const on = await client;
      const answer = await on.client.callTool(call, {
        timeout: 120_000,
        ...(signal ? { signal } : {}),
      });
      const [content] = answer.content as { text: string }[];
      return {
        isError: answer.isError === true,
        view: (answer.structuredContent ?? {}) as View,
        text: content?.text ?? "",
      };
    },
    async land(args, answers) {
      const terminal = scriptedTerminal(answers === undefined ? {} : { answers });
      const open = (path: string | undefined, named?: Parameters<OpenWorktree>[2]) =>
        openWorktree(path, undefined, named);
      return runInProcess(args, { operations: catalogue, openWorktree: open }, terminal);
    },
    asked: (pattern) =>
      forge.requests.filter(({ method, path }) => pattern.test(`${method} ${path}`)).length,
    async onTarget(commit) {
      await git("fetch", "-q", "origin");
      const ran = await runToEnd(
        "git",
        ["merge-base", "--is-ancestor", commit, `refs/remotes/origin/${forge.defaultBranch}`],
        { cwd: repo, env },
      );
      return ran.code === 0;
    },
    async [Symbol.asyncDispose]() {
      await (await client)?.[Symbol.asyncDispose]();
      await forge[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Logs in with nothing of ours, and answers the session as the reference client keeps it. */
async function sessionOf(forge: Reference, key: Key): Promise<View> {
  const post = async (path: string, body?: unknown) => {
    const response = await fetch(`${forge.baseUrl}${forge.prefix}${path}`, {
      method: "POST",
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as View;
  };
  const { challenge } = await post("/auth/challenge");
  const secret = decode(key.nsec as `nsec1${string}`).data;
  const event = finalizeEvent(
    {
      kind: 27235,
      content: String(challenge),
      tags: [
        ["u", `${forge.baseUrl}${forge.prefix}/auth/verify`],
        ["method", "POST"],
      ],
      created_at: Math.floor(Date.now() / 1000),
    },
    secret,
  );
  const { token, npub, is_admin, can_forge_write } = await post("/auth/verify", {
    event: JSON.stringify(event),
  });
  return { base_url: forge.baseUrl, token, npub, is_admin, can_forge_write };
}
