import { stat } from "node:fs/promises";
import { isLandError } from "../domain/errors.ts";
import { Git } from "../git/git.ts";
import { obstacleIn } from "../git/obstacles.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import type { WorkingCopy } from "../git/working-copy.ts";
import { configuredForge, type KnownForge } from "../local/find-forge.ts";
import { keyFile } from "../local/layout.ts";
import { lookForForge, type Sight } from "../local/process.ts";
import { compareVersions } from "../local/versions.ts";
import { folderTrouble } from "../process/folder-trouble.ts";
import { blocked, type Check, missing, note, ok, wordsOf } from "./check.ts";
import { checkManifest, type ManifestSight } from "./manifest.ts";
import { checkMirror } from "./mirror.ts";

type Env = Readonly<Record<string, string | undefined>>;

interface Place {
  readonly path: string;
  readonly env: Env;
  readonly version: string;
  readonly storeProblem: (file: string) => Promise<string | undefined>;
  readonly lookAtManifest: (worktree: string) => Promise<ManifestSight>;
}

/** Less room than this keeps a forge from starting lanes. */
const leastRoomBytes = 8 * 1024 ** 2;

/** Looks at the repository a path lies in, and at its local forge. Starts nothing. */
export async function checkRepository(place: Place, signal: AbortSignal): Promise<Check[]> {
  let copy: WorkingCopy;
  try {
    copy = await openWorkingCopy(place.path, place.env);
  } catch (error) {
    return [missing("repository", wordsOf(error), nextOf(error, "Go to a git work tree."))];
  }
  const [tree, manifest, forge] = await Promise.all([
    checkWorkTree(copy, signal),
    checkManifest(copy.path, place.lookAtManifest),
    checkForge(place, copy, signal),
  ]);
  return [ok("repository", copy.path), ...tree, ...manifest, ...forge];
}

async function checkWorkTree(copy: WorkingCopy, signal: AbortSignal): Promise<Check[]> {
  try {
    const obstacle = obstacleIn(await copy.state(signal));
    return obstacle === undefined
      ? []
      : [note("work tree", `not ready to land: ${obstacle.why}`, obstacle.next)];
  } catch (error) {
    return [missing("work tree", wordsOf(error), nextOf(error, "Look at `git status`."))];
  }
}

async function checkForge(
  place: Place,
  { path, commonDir }: WorkingCopy,
  signal: AbortSignal,
): Promise<Check[]> {
  const git = new Git({ dir: path, env: place.env });
  let forge: KnownForge | undefined;
  try {
    forge = await configuredForge(git, signal);
  } catch (error) {
    return [missing("forge", wordsOf(error), nextOf(error, "Run `land init`."))];
  }
  if (forge === undefined) {
    return [
      missing(
        "forge",
        "this repository has no local forge",
        "Run `land init` to make one, or `land login --base-url URL` for a hosted forge.",
      ),
    ];
  }
  const { layout, settings } = forge;
  const looking = lookForForge(layout, signal);
  const parts = await Promise.all([
    checkKey(forge, "agent"),
    checkKey(forge, "owner"),
    checkState(forge),
    looking.then((sight) => checkProcess(forge, sight, place)),
    checkMirror({ forge, looking, git, commonDir }, signal),
  ]);
  return [
    ok("forge", `local, target ${settings.target}, state ${layout.stateDir}`),
    ...(settings.ci === "none"
      ? [note("ci", "branches land untested: the owner's recorded choice")]
      : []),
    ...parts.flat(),
  ];
}

async function checkKey({ layout, settings }: KnownForge, kind: "agent" | "owner"): Promise<Check> {
  const name = `${kind} key`;
  const file = keyFile(layout, kind);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) {
    if (settings.canonicalUrl !== null)
      return ok(name, "cannot be read here; on a server it is kept elsewhere");
    return missing(name, `${file} is missing or not readable`, "Run `land init` again.");
  }
  return (found.mode & 0o077) === 0
    ? ok(name, "readable by you alone")
    : missing(name, `${file} can be read by others`, `Run \`chmod 600 ${file}\`.`);
}

/** What keeps this very forge from writing its state, as far as it is seen from here. */
function checkState({ layout }: KnownForge): Check {
  const name = "forge state";
  const trouble = folderTrouble([layout.stateDir, layout.repositoryDir], leastRoomBytes);
  if (trouble === undefined) return ok(name, "has room, and may be written");
  return trouble.kind === "full"
    ? missing(name, trouble.words, "Free some space; the forge starts no lane until then.")
    : blocked(name, trouble.words, "Make it writable, or start the forge outside this shell.");
}

async function checkProcess(
  forge: KnownForge,
  sight: Sight,
  { version, storeProblem }: Place,
): Promise<Check> {
  const name = "process";
  if (sight.state === "absent") {
    const problem = await storeProblem(forge.layout.storeFile);
    return problem === undefined
      ? note(name, "not running; it starts when something needs it")
      : missing(name, problem, "Until that is put right the forge does not start.");
  }
  if (sight.state === "silent") {
    return missing(
      name,
      `process ${sight.file.pid} runs but does not answer`,
      `Run \`land stop\`; its log is ${forge.layout.serverLogFile}.`,
    );
  }
  const { about } = sight;
  if (about.frozen !== null) {
    return missing(
      name,
      `landing stands still: ${about.frozen}`,
      "The owner runs `land target accept` (keep it) or `land target restore` (put back the other).",
    );
  }
  const isOlder = compareVersions(about.version, version) < 0;
  const words = `${sight.state} at ${sight.origin}, version ${about.version}, lanes isolated by ${about.isolation}`;
  return isOlder
    ? note(name, words, `It gives way to this kit's ${version} when the next command needs it.`)
    : ok(name, words);
}

function nextOf(error: unknown, otherwise: string): string {
  return isLandError(error) && error.next !== undefined ? error.next : otherwise;
}
