import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { run } from "../../src/process/run.ts";
import { root } from "./sources.ts";

/** Why a real daemon cannot be had here; undefined where it can. */
export function absence(program: string, needsRoot: boolean): string | undefined {
  if (process.platform !== "linux") return "the shipped files are for Linux";
  if (!existsSync(program)) return `${program} is not installed`;
  if (needsRoot && process.getuid?.() !== 0) return "only root can make a user and serve as it";
  return undefined;
}

/** A file of `deploy/` with names put in place; each of them must be there. */
export function shipped(file: string, names: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(root, "deploy", file), "utf8");
  for (const [from, to] of Object.entries(names)) {
    if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("there is no port");
  return address.port;
}

/** Starts a daemon in the foreground and waits for a line of its log. */
export async function startDaemon(
  file: string,
  args: readonly string[],
  options: { env: Readonly<Record<string, string>>; ready: RegExp },
): Promise<{ readonly said: () => string; stop(): Promise<void> }> {
  const child: ChildProcess = spawn(file, args, {
    env: options.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  const exited = once(child, "exit");
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding("utf8").on("data", (part: string) => {
      said += part;
      if (options.ready.test(said)) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${file} ended: ${said}`)));
  });
  return {
    said: () => said,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Runs a program to its end; its output, trimmed, and its exit code. */
export async function runs(
  file: string,
  args: readonly string[],
  how: { env: Readonly<Record<string, string>>; cwd?: string; input?: string },
): Promise<{ code: number | undefined; out: string; err: string }> {
  const done = await run(file, args, { ...how, timeoutMs: 50_000 });
  const out = new TextDecoder().decode(done.stdout).trim();
  return { code: done.exitCode, out, err: done.notStarted ?? done.stderr };
}

/** The same where it must go well. */
export async function output(...given: Parameters<typeof runs>): Promise<string> {
  const { code, out, err } = await runs(...given);
  if (code !== 0) throw new Error(`${given[0]} ${given[1].join(" ")}: ${code} ${err} ${out}`);
  return out;
}
