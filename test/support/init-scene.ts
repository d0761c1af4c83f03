import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type InitRequest, initForge } from "../../src/local/init.ts";
import { run } from "../../src/process/run.ts";
import { temporaryFolder } from "./agent-half.ts";
import { gitTestEnvironment } from "./git-environment.ts";

/** A folder for repositories, git without the user's settings, and a state home. */
export async function newScene() {
  const dir = await temporaryFolder("land-init");
  const env = gitTestEnvironment(dir);
  await writeFile(join(dir, "gitconfig"), '[protocol "file"]\n\tallow = always\n');
  const stateHome = join(dir, "state");
  const git = async (where: string, ...args: string[]) => {
    const done = await run("git", args, { cwd: where, env, timeoutMs: 20_000 });
    if (done.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr}`);
    return new TextDecoder().decode(done.stdout).trim();
  };
  const commit = async (repo: string, files: Record<string, string>) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(repo, path)), { recursive: true });
      await writeFile(join(repo, path), text);
    }
    await git(repo, "add", "-A");
    await git(repo, "commit", "-q", "-m", "change");
    return git(repo, "rev-parse", "HEAD");
  };
  const repository = async (name: string, ...initArgs: string[]) => {
    const repo = join(dir, name);
    await mkdir(repo, { recursive: true });
    await git(repo, "init", "-q", ...initArgs);
    await commit(repo, { "a.txt": `${name}\n` });
    return repo;
  };
  const clone = async (from: string, name: string, ...args: string[]) => {
    await git(dir, "clone", "-q", ...args, from, name);
    return join(dir, name);
  };
  const init = (worktreeDir: string, options: InitRequest["options"] = {}) =>
    initForge({ worktreeDir, env, stateHome, options });
  const config = (repo: string) => readFile(join(repo, ".git", "config"), "utf8");
  return { dir, env, stateHome, git, commit, repository, clone, init, config };
}
