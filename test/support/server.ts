import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Prefix, paths } from "../../src/contract/paths.ts";
import { run } from "../../src/process/run.ts";
import type { OwnerSettings, ServerConfig } from "../../src/server/config.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../src/server/server.ts";
import { gitTestEnvironment } from "./git-environment.ts";
import { newKey, signLogin, type TestKey } from "./login.ts";

export { newKey, signLogin, type TestKey };

/** An answer of the forge, read whole. `json` is undefined where the body is none. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers as they travel.
  readonly json: any;
}

export interface TestForgeOptions {
  /** Text of `ci/forge-lanes.toml` in the first commit; `null`: no manifest. Default: one lane. */
  readonly manifest?: string | null;
  /** Further files of the first commit. */
  readonly files?: Readonly<Record<string, string>>;
  readonly settings?: Partial<OwnerSettings>;
  readonly config?: Partial<ServerConfig>;
  readonly server?: ServerOptions;
}

/** A real forge in this process, with a work tree that pushes to it. */
export interface TestForge {
  readonly origin: string;
  readonly config: ServerConfig;
  readonly server: RunningServer;
  /** Everything of this forge; removed by `close`. */
  readonly dir: string;
  /** A work tree on `main` with the remote `forge`. */
  readonly repoDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly owner: TestKey;
  readonly agent: TestKey;
  /** The settings lanes run under; change them while the forge runs. */
  readonly settings: { -readonly [K in keyof OwnerSettings]: OwnerSettings[K] };
  /** Git in a folder (default: the work tree); its trimmed output. Throws with what git said. */
  git(args: readonly string[], dir?: string): Promise<string>;
  /** Writes files, commits them on a new branch off `from` (default `main`) and pushes it. */
  push(branch: string, files: Readonly<Record<string, string>>, from?: string): Promise<string>;
  /** A token for a key, by a real login. */
  login(nsec: string, prefix?: Prefix): Promise<string>;
  /** A request; the path is absolute or, without a known prefix, below `/git`. */
  api(method: string, path: string, body?: unknown, token?: string): Promise<ApiAnswer>;
  /** The branch's detail once a predicate holds for it; driven by the forge's own events. */
  until(
    branch: string,
    token: string,
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    holds: (detail: any) => boolean,
    // biome-ignore lint/suspicious/noExplicitAny: as above.
  ): Promise<any>;
  /** Stops the server and starts another over the same state. */
  restart(config?: Partial<ServerConfig>): Promise<TestForge>;
  close(): Promise<void>;
}

/** One lane that passes unless the tree has a file named `fail`. */
export const oneLaneManifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "check"
title = "Check"
entrypoint = "sh check"
command = ["sh", "-c", "echo checking; test ! -e fail"]
`;

/** Makes state, repository and keys in a folder of its own, and serves them on a free port. */
export async function startTestForge(options: TestForgeOptions = {}): Promise<TestForge> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "land-test-forge-")));
  try {
    const env = gitTestEnvironment(dir);
    const git = gitIn(join(dir, "work"), env);
    const repoDir = await makeWorkTree(dir, options, git);
    const owner = newKey();
    const agent = newKey();
    const settings = { ...defaultSettings, ...options.settings };
    const config = configOf(dir, {
      ownerNpub: owner.npub,
      agentNpub: agent.npub,
      seed: { fromRepository: repoDir, sha: await git(["rev-parse", "HEAD"]) },
      settings: () => settings,
      env,
      ...options.config,
    });
    const made = { dir, repoDir, env, owner, agent, settings, git };
    return await serve(made, config, options.server ?? {});
  } catch (error) {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
}

const defaultSettings: OwnerSettings = {
  ci: "manifest",
  ciConcurrency: 2,
  laneTimeoutSeconds: 30,
  maxLogBytes: 1024 * 1024,
  allowCiChange: false,
  laneEnv: {},
  unsandboxedLanes: [],
};

type Given = Pick<ServerConfig, "ownerNpub" | "agentNpub" | "settings" | "env"> &
  Partial<ServerConfig>;

function configOf(dir: string, given: Given): ServerConfig {
  const state = join(dir, "state");
  return {
    version: "0.0.0-test",
    stateDir: state,
    repositoryDir: join(state, "repository.git"),
    storeFile: join(state, "store.sqlite"),
    lockFile: join(state, "lock"),
    logsDir: join(state, "logs"),
    workspacesDir: join(state, "workspaces"),
    cacheDir: join(state, "cache"),
    hooksDir: join(state, "hooks"),
    wakeFile: join(state, "wake", "wake"),
    hiddenDirs: [],
    repo: "test/repo",
    target: "main",
    host: "127.0.0.1",
    port: 0,
    canonicalUrl: null,
    idleSeconds: null,
    ...given,
  };
}

function gitIn(home: string, env: Record<string, string>) {
  return async (args: readonly string[], dir = home) => {
    const done = await run("git", args, { cwd: dir, env, timeoutMs: 20_000 });
    if (done.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`);
    return new TextDecoder().decode(done.stdout).trim();
  };
}

async function makeWorkTree(
  dir: string,
  options: TestForgeOptions,
  git: TestForge["git"],
): Promise<string> {
  const repoDir = join(dir, "work");
  const manifest = options.manifest === undefined ? oneLaneManifest : options.manifest;
  await mkdir(repoDir);
  await git(["init", "-q", "--initial-branch=main"]);
  await writeFiles(repoDir, {
    "README.md": "A repository for a test.\n",
    ...(manifest === null ? {} : { "ci/forge-lanes.toml": manifest }),
    ...options.files,
  });
  await git(["add", "-A"]);
  await git(["commit", "-q", "-m", "Begin"]);
  await git(["remote", "add", "forge", join(dir, "state", "repository.git")]);
  return repoDir;
}

async function writeFiles(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

type Made = Pick<TestForge, "dir" | "repoDir" | "env" | "owner" | "agent" | "settings" | "git">;

async function serve(made: Made, config: ServerConfig, options: ServerOptions): Promise<TestForge> {
  const server = await startServer(config, options);
  const { origin } = server;
  const api = apiOf(origin);
  let restarted = false;
  const forge: TestForge = {
    ...made,
    origin,
    config,
    server,
    api,
    async push(branch, files, from = "main") {
      await made.git(["checkout", "-q", "-B", branch, from]);
      await writeFiles(made.repoDir, files);
      await made.git(["add", "-A"]);
      await made.git(["commit", "-q", "-m", `Change ${branch}`]);
      await made.git(["push", "-q", "--force", "forge", `HEAD:refs/heads/${branch}`]);
      return made.git(["rev-parse", "HEAD"]);
    },
    async login(nsec, prefix = "/git") {
      const { json: begun } = await api("POST", prefix + paths.challenge());
      const url = `${origin}${prefix}${paths.verify()}`;
      const event = signLogin(nsec, { challenge: begun.challenge, url });
      const answer = await api("POST", prefix + paths.verify(), { event });
      if (answer.status !== 200) throw new Error(`login: ${answer.status} ${answer.text}`);
      return answer.json.token;
    },
    until: (branch, token, holds) => untilDetail(forge, branch, token, holds),
    async restart(change = {}) {
      restarted = true;
      await server.close();
      return serve(made, { ...config, ...change }, options);
    },
    async close() {
      await server.close();
      if (!restarted) {
        await rm(made.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      }
    },
  };
  return forge;
}

function apiOf(origin: string): TestForge["api"] {
  return async (method, path, body, token) => {
    const below = /^\/(git|news)(\/|\?|$)|^\/$/.test(path) ? path : `/git${path}`;
    const answer = await fetch(origin + below, {
      method,
      redirect: "manual",
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: jsonOf(text) };
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads the branch anew after each event of the forge, from before the first reading on. */
async function untilDetail(
  forge: TestForge,
  branch: string,
  token: string,
  holds: Parameters<TestForge["until"]>[2],
) {
  const stop = AbortSignal.timeout(15_000);
  let last = "nothing";
  const detail = async () => {
    const name = encodeURIComponent(branch);
    const found = await forge.api(
      "GET",
      `${paths.resolve()}?branch_name=${name}`,
      undefined,
      token,
    );
    if (found.status !== 200) return undefined;
    const path = paths.branch(found.json.branch_id);
    const { json, text } = await forge.api("GET", path, undefined, token);
    last = text;
    return holds(json) ? json : undefined;
  };
  try {
    const events = await fetch(`${forge.origin}/git${paths.events()}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: stop,
    });
    // The stream's first event is its greeting, so the first reading happens after it is open.
    for await (const _event of events.body ?? []) {
      const found = await detail();
      if (found !== undefined) return found;
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
  throw new Error(`branch ${branch} never came to what was waited for; last seen: ${last}`);
}
