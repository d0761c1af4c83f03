import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { absence, output, runs } from "./hosting.ts";
import { root } from "./sources.ts";

const systemd = "/usr/lib/systemd/systemd";
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

/** Why no machine with a systemd of its own can be had here; undefined where it can. */
export function noMachine(): string | undefined {
  const without = absence(systemd, true);
  if (without !== undefined) return without;
  if (groups() === undefined) return "there are no control groups of the second version";
  try {
    execFileSync("unshare", ["--pid", "--mount", "--cgroup", "--fork", "--mount-proc", "true"]);
    return undefined;
  } catch {
    return "no namespaces may be made here";
  }
}

/** A machine with a systemd of its own, the shipped files in place, and nothing started. */
export interface Machine {
  /** Runs a program in it as root, to its end. */
  run(
    file: string,
    ...args: string[]
  ): Promise<{ code: number | undefined; out: string; err: string }>;
  /** The same where it must go well. */
  output(file: string, ...args: string[]): Promise<string>;
  /** Shuts it down as a person would, and boots it again. */
  reboot(): Promise<void>;
  remove(): Promise<void>;
}

export async function bootMachine(): Promise<Machine> {
  const group = join(groups() ?? "", `land-machine-${process.pid}`);
  mkdirSync(group);
  const script = join(root, "test", "support", "machine.sh");
  const child = spawn(
    "unshare",
    ["--kill-child", "--mount", "--fork", "bash", script, group, process.execPath, root],
    { env, stdio: ["pipe", "pipe", "ignore"] },
  );
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value ?? "";
  let init = "";
  async function boot(): Promise<void> {
    child.stdin.write("boot\n");
    const [what, pid = ""] = (await next()).trim().split(" ");
    if (what !== "up" || pid === "") throw new Error("the machine did not come up");
    init = pid;
  }
  const inside = (
    file: string,
    args: readonly string[],
  ): [string, readonly string[], { env: typeof env }] => [
    "nsenter",
    ["--target", init, "--all", file, ...args],
    { env },
  ];
  await boot();
  return {
    run: (file, ...args) => runs(...inside(file, args)),
    output: (file, ...args) => output(...inside(file, args)),
    async reboot() {
      await runs(...inside("systemctl", ["poweroff"]));
      if ((await next()) !== "down") throw new Error("the machine did not go down");
      await boot();
    },
    async remove() {
      child.kill("SIGKILL");
      await exited;
      await removeGroup(group);
    },
  };
}

/** Where control groups of the second version are mounted. */
function groups(): string | undefined {
  if (!existsSync("/proc/self/mounts")) return undefined;
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return mounts.map((line) => line.split(" ")).find(([, , kind]) => kind === "cgroup2")?.[1];
}

/** Its processes are killed by the kernel with process 1; the groups are busy until the last went. */
async function removeGroup(group: string): Promise<void> {
  for (let tries = 0; existsSync(group) && tries < 100; tries++) {
    for (const name of foldersBelow(group)) {
      try {
        rmdirSync(name);
      } catch {
        await output("sleep", ["0.05"], { env });
        break;
      }
    }
  }
}

/** A folder and those below it, the deepest first. */
function foldersBelow(folder: string): readonly string[] {
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...inner.flatMap(({ name }) => foldersBelow(join(folder, name))), folder];
}
