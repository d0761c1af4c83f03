import { lstatSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute } from "node:path";
import { runsWell } from "../../process/probe.ts";
import { programIn } from "../../process/search-path.ts";
import type { ServerConfig } from "../config.ts";

export type Isolation = "bwrap" | "none";

/** What a lane is let into. */
export interface SandboxPlaces {
  readonly tree: string;
  /** Become /tmp and /var/tmp. */
  readonly tmp: string;
  readonly varTmp: string;
  readonly cache: string;
  readonly objectsDir: string;
  /** Where its programs are: the folders of its PATH. */
  readonly programDirs: readonly string[];
  /** Folders it may not see. */
  readonly hidden: readonly string[];
}

const namespaces = ["--unshare-pid", "--die-with-parent", "--new-session", "--cap-drop", "ALL"];

/** What root keeps, so that package managers and tests that change owners or users work. */
const rootCapabilities = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_NET_BIND_SERVICE",
  "CAP_SETGID",
  "CAP_SETUID",
];

/** Doors to services that would run a program outside of the sandbox for whoever asks. */
const doors = [
  "/run/containerd",
  "/run/crio",
  "/run/dbus",
  "/run/docker.sock",
  "/run/libvirt",
  "/run/podman",
  "/run/snapd.socket",
  "/run/systemd/private",
  "/run/user",
];

/** Whether bubblewrap works here, with all that a lane's sandbox asks of it. Blocks shortly. */
export function probeIsolation(env: ServerConfig["env"]): Isolation {
  const args = [...baseArguments(), "--tmpfs", "/tmp", "--json-status-fd", "1", "--", "true"];
  const bubblewrap = bubblewrapOf(env);
  return bubblewrap !== undefined && runsWell(bubblewrap, args, env, 5000) ? "bwrap" : "none";
}

/** Where bubblewrap is. It is started in a lane's workspace, where a branch may have one too. */
export function bubblewrapOf(env: ServerConfig["env"]): string | undefined {
  return programIn(env.PATH, "bwrap");
}

/** The system's own way: some fifty paths are looked up for each lane. */
const realPath = realpathSync.native;

/** All that lanes have no business with: state, keys, logins, the repository, other lanes. */
export function hiddenFrom(config: ServerConfig): readonly string[] {
  const tokenFile = config.settings().mirror?.tokenFile ?? undefined;
  return [
    config.stateDir,
    config.repositoryDir,
    config.logsDir,
    config.workspacesDir,
    config.cacheDir,
    config.hooksDir,
    ...config.hiddenDirs,
    ...(tokenFile !== undefined && isFile(tokenFile) ? [tokenFile] : []),
  ];
}

/**
 * The arguments that make bubblewrap run a command: the machine's files read-only, the workspace
 * and the lane's cache writable, a /tmp of its own, no process that outlives it. It reports to
 * file descriptor 3. Mounts are made in this order, so what comes later is seen.
 */
export function sandboxArguments(command: readonly string[], places: SandboxPlaces): string[] {
  const tree = realPath(places.tree);
  const cache = realPath(places.cache);
  const objects = realPath(places.objectsDir);
  const hidden = outermost(places.hidden.map(existing).filter((path) => path !== undefined));
  return [
    ...baseArguments(),
    ...["--bind", realPath(places.tmp), "/tmp"],
    ...["--bind", realPath(places.varTmp), "/var/tmp"],
    ...outermost(places.programDirs.flatMap(coveredInstallation)).flatMap(shownReadOnly),
    ...doors.flatMap(shut),
    ...hidden.flatMap(shut),
    ...["--bind", tree, tree],
    ...["--bind", cache, cache],
    ...["--ro-bind", objects, objects],
    ...hidden.filter((path) => !isFile(path)).flatMap((dir) => ["--remount-ro", dir]),
    ...["--chdir", tree],
    ...["--json-status-fd", "3"],
    "--",
    ...command,
  ];
}

/** Whether bubblewrap, by its report, got as far as running the command to its end. */
export function ranInSandbox(report: string): boolean {
  return report.includes('"exit-code"');
}

/**
 * The process that keeps all others of a sandbox, from bubblewrap's report. Once it has ended they
 * all have, also those that hide.
 */
export function keeperIn(report: string): number | undefined {
  const pid = /"child-pid": *(\d+)/.exec(report)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function baseArguments(): string[] {
  const asRoot = process.getuid?.() === 0;
  return [
    ...namespaces,
    ...(asRoot ? rootCapabilities.flatMap((name) => ["--cap-add", name]) : []),
    ...["--ro-bind", "/", "/"],
    ...["--dev", "/dev"],
    ...["--proc", "/proc"],
  ];
}

/**
 * A folder of programs below a /tmp that the lane's own one covers, such as a checkout's in a
 * temporary folder; of a `bin` all that was installed beside it, where its links lead.
 */
function coveredInstallation(dir: string): string[] {
  const real = isAbsolute(dir) ? existing(dir) : undefined;
  const temporary = ["/tmp", "/var/tmp"].find((top) => real?.startsWith(`${top}/`));
  if (real === undefined || temporary === undefined) return [];
  const installation = /^\.?bin$/.test(basename(real)) ? dirname(real) : real;
  return [installation === temporary ? real : installation];
}

function shownReadOnly(dir: string): string[] {
  return ["--ro-bind", dir, dir];
}

function shut(door: string): string[] {
  const path = existing(door);
  if (path === undefined) return [];
  return lstatSync(path).isDirectory() ? ["--tmpfs", path] : ["--ro-bind", "/dev/null", path];
}

function isFile(path: string): boolean {
  const real = existing(path);
  return real !== undefined && lstatSync(real).isFile();
}

/** The paths that lie in none of the others. Shorter ones come first. */
function outermost(paths: readonly string[]): string[] {
  const kept: string[] = [];
  for (const path of paths.toSorted((a, b) => a.length - b.length)) {
    if (!kept.some((outer) => path === outer || path.startsWith(`${outer}/`))) kept.push(path);
  }
  return kept;
}

/** Bubblewrap would follow a link out of the tree it builds, so it is told real paths alone. */
function existing(path: string): string | undefined {
  try {
    // Many are not there, and a thrown error costs more than several looks.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return realPath(path);
  } catch {
    return undefined;
  }
}
