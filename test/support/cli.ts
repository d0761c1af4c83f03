import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { initForge } from "../../src/local/init.ts";
import { gitTestEnvironment } from "./git-environment.ts";
import { root } from "./sources.ts";

/** The built launcher; `npm test` builds it before the tests run. */
export const launcher = join(root, "dist", "land.js");

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Standard output as the one JSON document that `--json` promises. */
  json(): Record<string, unknown>;
}

export interface Scene {
  /** Everything of this scene lies below it. */
  readonly dir: string;
  /** The work tree's top. */
  readonly repo: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `land` to its end. Default folder: the work tree. */
  land(
    args: readonly string[],
    how?: { cwd?: string; stdin?: string; env?: Readonly<Record<string, string>> },
  ): Promise<Ran>;
  /** Runs git in the work tree; answers its trimmed output. */
  git(...args: string[]): Promise<string>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Commits files on a new branch from the target, and leaves it checked out. */
  branch(name: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Ends what still runs: a command that outlives its test would start a forge anew. */
  endCommands(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A manifest with one lane per given command. */
export function manifestOf(lanes: Readonly<Record<string, readonly string[]>>): string {
  const tables = Object.entries(lanes).map(
    ([id, command]) =>
      `[[branch.lanes]]\nid = "${id}"\ntitle = "${id}"\nentrypoint = "${id}"\ncommand = ${JSON.stringify(command)}\n`,
  );
  return `version = 1\nnightly_schedule_utc = "08:00"\n${tables.join("")}`;
}

export const firstFiles = {
  "ci/forge-lanes.toml": manifestOf({
    unit: ["sh", "-c", "test ! -e broken || { cat broken; exit 1; }"],
  }),
  "readme.txt": "one\n",
};

/** A repository of its own, apart from the user's configuration, with one commit on `main`. */
export async function aRepository(
  files: Readonly<Record<string, string>> = firstFiles,
): Promise<Scene> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "land-cli-")));
  const repo = join(dir, "repo");
  await mkdir(repo);
  const env = {
    ...gitTestEnvironment(join(dir, "home"), "Tester"),
    PATH: [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter),
    XDG_STATE_HOME: join(dir, "state"),
    // Shared by all tests, so that only the first command compiles the bundles.
    XDG_CACHE_HOME: join(root, "node_modules", ".cache", "forge-landing-kit", "tests"),
  };
  const running = new AbortController();
  const git = async (...args: string[]) => {
    const ran = await runToEnd("git", args, { cwd: repo, env, signal: running.signal });
    if (ran.code !== 0) throw new Error(`git ${args.join(" ")}: ${ran.err}`);
    return ran.out.trim();
  };
  const write = async (named: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(named)) {
      await mkdir(dirname(join(repo, path)), { recursive: true });
      await writeFile(join(repo, path), text);
    }
  };
  const commit = async (message: string) => {
    await git("add", "-A");
    await git("commit", "-qm", message);
    return git("rev-parse", "HEAD");
  };
  await git("init", "-q", "-b", "main");
  await write(files);
  await commit("first");
  return {
    dir,
    repo,
    env,
    git,
    write,
    land: (args, how = {}) =>
      runToEnd(process.execPath, [launcher, ...args], {
        cwd: how.cwd ?? repo,
        env: how.env ?? env,
        stdin: how.stdin,
        signal: running.signal,
      }),
    async branch(name, named) {
      await git("switch", "-q", "-c", name, "main");
      await write(named);
      return commit(`work on ${name}`);
    },
    endCommands: () => running.abort(),
    async [Symbol.asyncDispose]() {
      running.abort();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export interface ForgeScene extends Scene {
  readonly stateDir: string;
}

/**
 * A repository with its forge, served in the foreground by a process that ends with this one: its
 * standard input is a pipe of ours.
 */
export async function withForge(files?: Readonly<Record<string, string>>): Promise<ForgeScene> {
  await access(launcher).catch(() => {
    throw new Error("dist is not built; run `npm run build` first.");
  });
  const scene = await aRepository(files);
  const { stateDir } = await initForge({
    worktreeDir: scene.repo,
    env: scene.env,
    stateHome: join(scene.dir, "state"),
    options: {},
  });
  const forge = await serveForeground(scene.env, stateDir);
  return {
    ...scene,
    stateDir,
    async [Symbol.asyncDispose]() {
      scene.endCommands();
      const ended = forge.exitCode === null ? once(forge, "exit") : undefined;
      forge.stdin?.end();
      await ended;
      await scene[Symbol.asyncDispose]();
    },
  };
}

/** `land serve` for a state folder, once it serves. */
export async function serveForeground(
  env: Readonly<Record<string, string>>,
  stateDir: string,
): Promise<ChildProcess> {
  const args = [launcher, "serve", "--state", stateDir, "--end-with-input"];
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "ignore", "pipe"] });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (line.startsWith("Serving ")) {
      child.stderr.resume();
      return child;
    }
  }
  throw new Error(`The forge did not come up:\n${said.join("\n")}`);
}

/** What `process.json` of a forge says. */
export async function processFile(stateDir: string): Promise<{ pid: number; port: number }> {
  return JSON.parse(await readFile(join(stateDir, "process.json"), "utf8")) as never;
}

/** Runs a program to its end, whatever that is. */
export function runToEnd(
  file: string,
  args: readonly string[],
  how: {
    cwd: string;
    env: Readonly<Record<string, string>>;
    stdin?: string | undefined;
    signal?: AbortSignal;
  },
): Promise<Ran> {
  return new Promise((settle) => {
    const options = {
      cwd: how.cwd,
      env: how.env,
      maxBuffer: 64 * 1024 * 1024,
      killSignal: "SIGKILL" as const,
      ...(how.signal === undefined ? {} : { signal: how.signal }),
    };
    const child = execFile(file, args, options, (error, out, err) => {
      const failed = error as (Error & { code?: number | string }) | null;
      const code = failed === null ? 0 : typeof failed.code === "number" ? failed.code : null;
      settle({ code, out, err, json: () => JSON.parse(out) as Record<string, unknown> });
    });
    // A program that ends without reading its input is none of a test's business.
    child.stdin?.on("error", () => {});
    child.stdin?.end(how.stdin ?? "");
  });
}
