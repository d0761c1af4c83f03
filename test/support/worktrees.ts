import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { openWorkingCopy } from "../../src/git/open-working-copy.ts";
import type { WorkingCopy } from "../../src/git/working-copy.ts";
import { run } from "../../src/process/run.ts";
import { gitTestEnvironment } from "./git-environment.ts";
import { type KeptFolder, keepFolder, writeFolder } from "./kept-folder.ts";

/** A bare repository with a target branch `main`, clones of it, and git kept from the user's settings. */
export interface Scene {
  readonly dir: string;
  /** The bare repository, the remote `forge` of each clone. */
  readonly forge: string;
  readonly env: Readonly<Record<string, string>>;
  /** Git in a folder; its trimmed output. Throws with what git said. */
  git(dir: string, ...args: string[]): Promise<string>;
  /** A clone of the scene's beginning, with its remote named `forge`. */
  clone(name: string): Promise<string>;
  /** Writes files and commits everything; answers the commit. */
  commit(dir: string, files: Readonly<Record<string, string>>, message?: string): Promise<string>;
  /** Lets somebody else put a commit on a branch of the forge. */
  elsewhere(branch: string, files: Readonly<Record<string, string>>): Promise<string>;
  open(dir: string, env?: Readonly<Record<string, string>>): Promise<WorkingCopy>;
  remove(): Promise<void>;
}

/** Makes a scene with one commit on `main`: `a.txt` with five lines, and `b.txt`. */
export async function makeScene(): Promise<Scene> {
  const dir = await newFolder("land-scene-");
  try {
    await writeOut("", dir, dir);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
  const env = gitTestEnvironment(dir);
  const git = gitWith(env);
  const commit = commitWith(git);
  return {
    dir,
    forge: join(dir, "forge.git"),
    env,
    git,
    commit,
    async clone(name) {
      await writeOut("seed", join(dir, name), dir);
      return join(dir, name);
    },
    elsewhere: (branch, files) => commitThere(join(dir, "forge.git"), env, branch, files),
    open: (where, more) => openWorkingCopy(where, { ...env, ...more }),
    remove: () => rm(dir, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** One commit straight in the bare repository, as a push from somewhere else would leave it. */
async function commitThere(
  forge: string,
  env: Readonly<Record<string, string>>,
  branch: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const git = gitWith(env);
  const ref = `refs/heads/${branch}`;
  const known = await git(forge, "for-each-ref", "--format=%(refname)", ref, "refs/heads/main");
  const from = known.split("\n").includes(ref) ? ref : "refs/heads/main";
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const changes = Object.entries(files).map(
    ([path, text]) => `M 100644 inline ${path}\n${data(text)}`,
  );
  const commit = [
    `commit ${ref}\n`,
    `committer Ben <ben@example.org> ${Math.floor(Date.now() / 1000)} +0000\n`,
    data(`elsewhere on ${branch}`),
    `from ${from}^0\n`,
    ...changes,
  ];
  const options = { cwd: forge, env, timeoutMs: 20_000, input: commit.join("") };
  const done = await run("git", ["fast-import", "--quiet"], options);
  if (done.exitCode !== 0) throw new Error(`git fast-import: ${done.stderr}`);
  return git(forge, "rev-parse", ref);
}

let madeTemplate: Promise<KeptFolder> | undefined;

/** The same beginning for all scenes of a process. */
function template(): Promise<KeptFolder> {
  madeTemplate ??= makeTemplate();
  return madeTemplate;
}

async function makeTemplate(): Promise<KeptFolder> {
  const dir = await newFolder("land-template-");
  try {
    const git = gitWith(gitTestEnvironment(dir));
    await git(dir, "init", "-q", "--bare", "--template=", "forge.git");
    await git(dir, "clone", "-q", "--template=", "-o", "forge", join(dir, "forge.git"), "seed");
    const seed = join(dir, "seed");
    const files = { "a.txt": "one\ntwo\nthree\nfour\nfive\n", "b.txt": "b\n" };
    await commitWith(git)(seed, files, "first");
    await git(seed, "push", "-q", "forge", "HEAD:refs/heads/main");
    return await keepFolder(dir);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Writes a part of the template out, with its own paths put right. */
async function writeOut(part: string, to: string, sceneDir: string): Promise<void> {
  const kept = await template();
  await writeFolder(kept, part, to, (path, bytes) =>
    basename(path) === "config"
      ? Buffer.from(bytes).toString().replaceAll(kept.dir, sceneDir)
      : bytes,
  );
}

async function newFolder(prefix: string): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), prefix)));
}

function gitWith(env: Readonly<Record<string, string>>): Scene["git"] {
  return async (where, ...args) => {
    const done = await run("git", args, { cwd: where, env, timeoutMs: 20_000 });
    if (done.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`);
    return new TextDecoder().decode(done.stdout).trim();
  };
}

function commitWith(git: Scene["git"]): Scene["commit"] {
  return async (where, files, message = "change") => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(where, path)), { recursive: true });
      await writeFile(join(where, path), text);
    }
    await git(where, "add", "-A");
    await git(where, "commit", "-q", "-m", message);
    return git(where, "rev-parse", "HEAD");
  };
}
