import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { parseStat } from "../../src/process/identity.ts";

/** A process that was started for a lane, as /proc shows it. */
export interface LaneProcessSeen {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** `LANE TOKEN` of the claim it belongs to; null for a git in a workspace. */
  readonly claim: string | null;
}

/** All living processes that carry the tags of a forge's lanes. */
export function laneProcesses(instance: string): readonly LaneProcessSeen[] {
  const ours = new RegExp(`\\0FORGE_(LANE_RUN|WORKSPACE_GIT)=(${instance}-[^\\0]*)`);
  return livingPids().flatMap((pid): LaneProcessSeen[] => {
    const [, kind, tag] = ours.exec(`\0${readProc(pid, "environ")}`) ?? [];
    const stat = parseStat(readProc(pid, "stat"));
    if (tag === undefined || stat === undefined) return [];
    const [, lane, token] = /-(\d+)-(\d+)$/.exec(tag) ?? [];
    const claim = kind === "LANE_RUN" ? `${lane} ${token}` : null;
    return [{ pid, parent: stat.parent, command: commandLineOf(pid), claim }];
  });
}

/** Living processes that work in a folder or below it, whatever their environment. */
export function processesIn(dir: string): readonly number[] {
  return livingPids().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dir}/`);
    } catch {
      return false;
    }
  });
}

/** Leaves nothing there that a failed test would. */
export function endProcessesIn(dir: string): void {
  for (const pid of processesIn(dir)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Living processes whose whole command line is this, whatever their environment. */
export function pidsOfCommand(...command: readonly string[]): readonly number[] {
  const wanted = command.join(" ");
  return livingPids().filter((pid) => commandLineOf(pid) === wanted);
}

/** The processes that end a killed forge's lanes. `instance`: whose. */
export function lifelinesOf(instance: string): readonly number[] {
  return livingPids().filter((pid) => {
    const command = commandLineOf(pid);
    return command.includes(" lifeline ") && command.includes(`=${instance}-`);
  });
}

export function commandLineOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ").trim();
}

/** Mounts below a folder, or of it. */
export function mountsBelow(dir: string): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line.includes(dir));
}

/** What is in a folder of workspaces that should not be when no lane runs. */
export function workspaceLeftovers(workspaces: string): readonly string[] {
  return readdirSync(workspaces).flatMap((name) => {
    // The mark of whoever has a workspace; a dash where nobody does.
    if (/^w\d+\.lane$/.test(name)) {
      return readFileSync(join(workspaces, name), "utf8") === "-\n" ? [] : [name];
    }
    if (!/^w\d+$/.test(name)) return [name];
    const locks = ["index.lock", "HEAD.lock"].map((lock) => join(name, "git", lock));
    const homes = [join(name, "temporary", "tmp", "left")];
    return [...locks, ...homes].filter((path) => existsSync(join(workspaces, path)));
  });
}

function livingPids(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && parseStat(readProc(pid, "stat"))?.state !== "Z");
}

/** Empty for a process that has ended. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
