import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { gitTestEnvironment } from "../git-environment.ts";

export interface GitAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A commit with files written (null: removed) over those of its parent. */
export interface NewCommit {
  /** Full name of the ref it goes to. */
  readonly ref: string;
  /** A commit or its ref; absent: the first one. */
  readonly parent?: string;
  readonly files: Readonly<Record<string, string | null>>;
  readonly subject: string;
}

/** Git of the double, over its bare repository; free of the machine's settings. */
export interface DoubleGit {
  readonly bare: string;
  readonly env: Readonly<Record<string, string>>;
  /** In the bare repository. Never throws for git's own refusal. */
  ask(args: readonly string[], input?: string): Promise<GitAnswer>;
  /** In the bare repository; trimmed output. Throws with what git said. */
  must(args: readonly string[], more?: Readonly<Record<string, string>>): Promise<string>;
  /** Puts a commit on a ref, whatever it held, past all hooks; answers the commit. */
  commit(given: NewCommit): Promise<string>;
}

export function doubleGit(dir: string): DoubleGit {
  const env = { ...gitTestEnvironment(dir, "Grace"), GIT_TERMINAL_PROMPT: "0" };
  const bare = join(dir, "canonical.git");
  const must = async (cwd: string, args: readonly string[], more = {}) => {
    const done = await execute(cwd, { ...env, ...more }, args);
    if (done.code !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`);
    return done.stdout.trim();
  };
  return {
    bare,
    env,
    ask: (args, input) => execute(dir, env, [`--git-dir=${bare}`, ...args], input),
    must: (args, more) => must(dir, [`--git-dir=${bare}`, ...args], more),
    commit: (given) => importCommit(bare, env, given),
  };
}

/** Puts a commit on a ref of a repository by one process, past its hooks; answers the commit. */
export async function importCommit(
  gitDir: string,
  env: Readonly<Record<string, string>>,
  given: NewCommit,
): Promise<string> {
  const args = [`--git-dir=${gitDir}`, "fast-import", "--quiet", "--force", "--date-format=now"];
  const done = await execute(gitDir, env, args, importOf(given));
  const sha = /[0-9a-f]{40}/.exec(done.stdout)?.[0];
  if (done.code !== 0 || sha === undefined) throw new Error(`git fast-import: ${done.stderr}`);
  return sha;
}

/** One commit in the language of `git fast-import`, whose answer is its name. */
function importOf({ ref, parent, files, subject }: NewCommit): string {
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const changes = Object.entries(files).map(([path, text]) => {
    const name = JSON.stringify(path);
    return text === null ? `D ${name}\n` : `M 100644 inline ${name}\n${data(text)}`;
  });
  const from = parent === undefined ? "" : `from ${parent}^0\n`;
  const who = "committer Grace <grace@example.org> now\n";
  return `commit ${ref}\nmark :1\n${who}${data(subject)}${from}${changes.join("")}\nget-mark :1\n`;
}

async function execute(
  cwd: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  input?: string,
): Promise<GitAnswer> {
  const done = await execa("git", args, {
    ...{ cwd, env, extendEnv: false, input: input ?? "", timeout: 30_000 },
    ...{ reject: false, stripFinalNewline: false },
  });
  if (done.exitCode === undefined) throw done;
  return { code: done.exitCode, stdout: done.stdout, stderr: done.stderr };
}

/** The bare repository with its first commit. */
export async function makeRepository(
  git: DoubleGit,
  defaultBranch: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await git.must(["init", "-q", "--bare", `--initial-branch=${defaultBranch}`]);
  const first = { "README.md": "The repository of a double.\n", ...files };
  await git.commit({ ref: `refs/heads/${defaultBranch}`, files: first, subject: "Begin" });
}

/** The two hooks: no push to the default branch, and word of every other push by signed webhook. */
export async function installHooks(
  git: DoubleGit,
  given: { defaultBranch: string; secret: string; url: string },
): Promise<void> {
  const update = `#!/bin/sh
if [ "$1" = "refs/heads/${given.defaultBranch}" ]; then
  echo "direct pushes to ${given.defaultBranch} are disabled; merge through the forge" >&2
  exit 1
fi
`;
  const post = `#!${process.execPath}
const { createHmac } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { request } = require("node:http"); // \`fetch\` would take as long again to start.
const body = readFileSync(0);
const hex = createHmac("sha256", ${JSON.stringify(given.secret)}).update(body).digest("hex");
const headers = { "content-type": "text/plain", "x-pika-signature-256": "sha256=" + hex };
const warn = (error) => console.error("warning: the forge was not told: " + error);
if (body.length > 0)
  request(${JSON.stringify(given.url)}, { method: "POST", headers }, (answer) => {
    if (answer.statusCode >= 300) warn(answer.statusCode);
    answer.resume();
  }).on("error", warn).end(body);
`;
  for (const [name, text] of [
    ["update", update],
    ["post-receive", post],
  ] as const) {
    const path = join(git.bare, "hooks", name);
    await writeFile(path, text);
    await chmod(path, 0o750);
  }
}
