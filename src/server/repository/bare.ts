import { existsSync } from "node:fs";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Git } from "../../git/git.ts";
import { type Canonical, wordsOf } from "./canonical.ts";
import { writeHooks } from "./hooks.ts";
import { pushNotesDir } from "./push-notes.ts";

const oldestGit = [2, 38] as const;

/** Makes or mends the bare repository, its settings and its hooks. */
export async function ensureBareRepository(canonical: Canonical): Promise<void> {
  const { config, git } = canonical;
  await refuseOldGit(git.place.env, dirname(config.repositoryDir));
  const pushNotes = pushNotesDir(config);
  const { hooksDir: dir, target, wakeFile } = config;
  await writeHooks({ dir, target, wakeFile, pushNotes });
  // Below the wake file's folder, which is made with it.
  await mkdir(pushNotes, { recursive: true, mode: 0o700 });
  await (await open(config.wakeFile, "a", 0o600)).close();
  await mkdir(config.repositoryDir, { recursive: true, mode: 0o700 });
  const settings = settingsOf(canonical);
  if (!looksMade(config.repositoryDir)) {
    const format = config.seed?.sha.length === 64 ? "sha256" : "sha1";
    await writeFirstSettings(config.repositoryDir, settings);
    // No template: a user's own could bring hooks and settings along.
    await git.run({
      args: [
        ...["init", "--quiet", "--bare", "--template=", `--object-format=${format}`],
        `--initial-branch=${config.target}`,
      ],
    });
  }
  await ensureSettings(git, settings);
  if ((await git.text(["symbolic-ref", "HEAD"])) !== canonical.targetRef) {
    await git.run({ args: ["symbolic-ref", "HEAD", canonical.targetRef] });
  }
}

function looksMade(dir: string): boolean {
  return ["HEAD", "config", "objects", "refs"].every((part) => existsSync(join(dir, part)));
}

/** Set in the repository itself, so that nobody's own git configuration overrules them. */
function settingsOf({ config }: Canonical): Readonly<Record<string, string>> {
  return {
    "core.bare": "true",
    "core.fsync": "all",
    "core.fsyncMethod": "fsync",
    "core.hooksPath": config.hooksDir,
    "core.logAllRefUpdates": "true",
    // Two who change refs at once wait for each other rather than fail.
    "core.filesRefLockTimeout": "5000",
    "core.packedRefsTimeout": "5000",
    // A replaced object would make a tested tree stand for another one.
    "core.useReplaceRefs": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "receive.autogc": "false",
    "transfer.hideRefs": "refs/land",
    "uploadpack.allowFilter": "true",
  };
}

/** Git keeps what it finds when it makes the rest: one file instead of a process per setting. */
async function writeFirstSettings(
  dir: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const file = join(dir, "config");
  if (existsSync(file)) return;
  const lines = Object.entries(settings).map(([name, value]) => {
    const [section = "", key = ""] = name.split(".");
    return `[${section}]\n\t${key} = ${quoted(value)}\n`;
  });
  await writeFile(`${file}.new`, lines.join(""));
  await rename(`${file}.new`, file);
}

/** A value as git's configuration files have it. */
function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

async function ensureSettings(git: Git, wanted: Readonly<Record<string, string>>): Promise<void> {
  const listed = await git.run({ args: ["config", "--local", "--list", "-z"] });
  const found = new Map<string, string>();
  for (const entry of listed.stdout.split("\0")) {
    const end = entry.indexOf("\n");
    if (end > 0) found.set(entry.slice(0, end).toLowerCase(), entry.slice(end + 1));
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (found.get(name.toLowerCase()) === value) continue;
    await git.run({ args: ["config", "--local", "--replace-all", name, value] });
  }
}

async function refuseOldGit(
  env: Readonly<Record<string, string | undefined>>,
  dir: string,
): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const said = await new Git({ dir, env }).text(["version"]);
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(said) ?? [];
  const [needMajor, needMinor] = oldestGit;
  const found = Number(major) * 1000 + Number(minor);
  if (found < needMajor * 1000 + needMinor) {
    throw new Error(`The forge needs git ${needMajor}.${needMinor} or later; here is ${said}.`);
  }
}

/**
 * Brings the commit that the target begins with into the repository, without making a ref.
 * Throws with the remedy where the other repository does not give it.
 */
export async function fetchSeed(
  canonical: Canonical,
  seed: { readonly fromRepository: string; readonly sha: string },
): Promise<void> {
  try {
    await canonical.git.run({
      args: [
        // Only this version hands out a commit that no ref of the other repository points at.
        ...["-c", "protocol.version=2", "-c", "protocol.file.allow=always"],
        ...["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"],
        ...["--no-recurse-submodules", "--", seed.fromRepository, seed.sha],
      ],
      timeoutMs: 600_000,
    });
  } catch (error) {
    throw new Error(
      `The forge could not fetch ${seed.sha} from ${seed.fromRepository} to begin its target ` +
        `${canonical.config.target} with: ${wordsOf(error)} A shallow or partial repository has ` +
        "to be completed first (git fetch --unshallow). Then start the forge again.",
      { cause: error },
    );
  }
}
