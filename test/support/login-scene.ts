import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { agentHalf } from "../../src/bin/agent-half.ts";
import { services } from "../../src/bin/cli.ts";
import { ownPackage } from "../../src/bin/package.ts";
import { runCli } from "../../src/cli/run.ts";
import { environmentOf } from "../../src/config/environment.ts";
import { initForge } from "../../src/local/init.ts";
import { layoutOf } from "../../src/local/layout.ts";
import { writeProcessFile } from "../../src/local/process.ts";
import { serverConfig } from "../../src/local/server-config.ts";
import { rememberPort, requireSettings } from "../../src/local/settings.ts";
import { run } from "../../src/process/run.ts";
import { startServer } from "../../src/server/server.ts";
import { afterwards, temporaryFolder } from "./agent-half.ts";
import { scriptedTerminal } from "./cli-in-process.ts";
import { gitTestEnvironment } from "./git-environment.ts";

export interface LandHow {
  /** What a person types, in order; without it nobody is there to ask. */
  readonly answers?: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The folder it runs in; default: the repository. */
  readonly cwd?: string;
}

export interface LandDone {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers as they are printed.
  json(): any;
}

/** A repository with state of its own, and `land` run in this process for it. */
export async function loginScene() {
  const dir = await temporaryFolder("land-login");
  const repo = join(dir, "repo");
  const stateHome = join(dir, "state");
  const env = { ...gitTestEnvironment(dir), XDG_STATE_HOME: stateHome };
  const git = async (...args: string[]) => {
    const done = await run("git", args, { cwd: repo, env, timeoutMs: 20_000 });
    if (done.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`);
    return new TextDecoder().decode(done.stdout).trim();
  };
  await mkdir(repo);
  await git("init", "-q", "--initial-branch=main");
  await git("commit", "-q", "--allow-empty", "-m", "Begin");

  const land = async (args: readonly string[], how: LandHow = {}): Promise<LandDone> => {
    const environment = environmentOf({
      env: { ...env, ...how.env },
      home: dir,
      cwd: how.cwd ?? repo,
    });
    const { signal } = new AbortController();
    const agent = agentHalf(environment, ownPackage(), undefined, 500);
    const terminal = scriptedTerminal({
      ...(how.answers === undefined ? {} : { answers: how.answers }),
      ...(how.stdin === undefined ? {} : { stdin: how.stdin }),
    });
    const its = services(environment, signal, agent);
    const code = await runCli(args, { terminal, services: its, signal });
    const { out, err } = terminal.written;
    return { code, out, err, asked: terminal.asked, json: () => JSON.parse(out) };
  };

  /** Gives the repository a local forge, served by this very process. */
  const serveForge = async () => {
    const { stateDir } = await initForge({ worktreeDir: repo, env, stateHome, options: {} });
    const layout = layoutOf(stateDir);
    const { version } = ownPackage();
    const settings = await requireSettings(layout);
    const options = { version, env, stateHome, idleSeconds: null };
    const server = await startServer(serverConfig(layout, settings, options));
    afterwards(() => server.close());
    await rememberPort(layout, server.port);
    const startedAt = new Date().toISOString();
    await writeProcessFile(layout, {
      port: server.port,
      version,
      instance: server.instance,
      startedAt,
    });
    return { layout, server, origin: `http://127.0.0.1:${server.port}` };
  };

  return { dir, repo, stateHome, env, git, land, serveForge };
}

/** A file's text and its mode's last nine bits. */
export async function seenFile(path: string): Promise<{ text: string; mode: number }> {
  const [text, { mode }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
  return { text, mode: mode & 0o777 };
}
