import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Brief, type BriefHost, makeBrief } from "../../src/brief/brief.ts";
import type { BriefClock } from "../../src/brief/deadlines.ts";
import { readRequest } from "../../src/brief/options.ts";
import { systemClock } from "../../src/forges/clock.ts";
import { ensurePrivateFolder, writePrivateFile } from "../../src/identity/private-file.ts";
import { Captures } from "../../src/process/capture.ts";
import { gitTestEnvironment } from "./git-environment.ts";

/** A clock that stands still until it is moved by hand. */
export interface HandClock extends BriefClock {
  /** Ends every pause that is over by then, in the order of their ends. */
  advance(ms: number): Promise<void>;
  /** Resolves once so many pauses are under way. */
  paused(count: number): Promise<void>;
}

export function handClock(start = Date.parse("2026-03-01T12:00:00Z")): HandClock {
  let now = start;
  const pauses = new Set<{ readonly at: number; end(): void }>();
  const watchers = new Set<() => void>();
  return {
    now: () => now,
    pause: (ms, signal) =>
      new Promise((resolve) => {
        const pause = {
          at: now + ms,
          end() {
            pauses.delete(pause);
            resolve();
          },
        };
        if (signal?.aborted) return resolve();
        signal?.addEventListener("abort", pause.end, { once: true });
        pauses.add(pause);
        for (const look of watchers) look();
      }),
    async advance(ms) {
      now += ms;
      for (const pause of [...pauses].sort((a, b) => a.at - b.at)) if (pause.at <= now) pause.end();
      await new Promise((next) => setImmediate(next));
    },
    paused: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (pauses.size < count) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
  };
}

/** Folders for a brief: the kit's own, a work tree, and the user's state; nothing of the machine's. */
export interface BriefScene {
  readonly dir: string;
  readonly kit: string;
  readonly repo: string;
  readonly stateHome: string;
  readonly env: Readonly<Record<string, string>>;
  /** Writes files below the scene's folder. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  git(...args: string[]): Promise<string>;
  /** Makes a repository of the work tree, with one commit. */
  init(): Promise<void>;
  brief(how?: BriefCall): Promise<Brief>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface BriefCall {
  readonly args?: readonly string[];
  readonly folder?: string;
  readonly signal?: AbortSignal;
  readonly host?: Partial<BriefHost>;
}

export async function briefScene(): Promise<BriefScene> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "land-brief-")));
  const repo = join(dir, "repo");
  const kit = join(dir, "kit");
  const stateHome = join(dir, "state");
  const env = {
    ...gitTestEnvironment(dir),
    LC_ALL: "C.UTF-8",
  };
  await mkdir(repo);
  const captures = new Captures();
  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
  };
  const never = new AbortController().signal;
  const git = async (...args: string[]) => {
    const ran = await captures.run("git", args, { cwd: repo, env, maxBytes: 1e6, signal: never });
    if (ran.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${Buffer.from(ran.stderr)}`);
    return Buffer.from(ran.stdout).toString().trim();
  };
  return {
    dir,
    kit,
    repo,
    stateHome,
    env,
    write,
    git,
    async init() {
      await git("init", "-q", "-b", "main");
      await write({ "repo/readme.txt": "one\n" });
      await git("add", "-A");
      await git("commit", "-qm", "first");
    },
    brief: ({ args = [], folder = repo, signal = never, host = {} } = {}) =>
      makeBrief(
        readRequest(args),
        folder,
        {
          env,
          stateHome,
          baseUrl: undefined,
          clock: systemClock,
          kitFolder: kit,
          captures,
          land: () => undefined,
          landProgram: ["false"],
          identity: async () => "somebody",
          secrets: () => [],
          files: { ensureFolder: ensurePrivateFolder, write: writePrivateFile },
          ...host,
        },
        signal,
      ),
    async [Symbol.asyncDispose]() {
      await captures.endAll();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The text of a section's file. */
export function sectionFile(frontmatter: Readonly<Record<string, unknown>>, body = ""): string {
  const lines = Object.entries(frontmatter).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}`,
  );
  return `---\n${lines.join("\n")}\n---\n${body}\n`;
}
