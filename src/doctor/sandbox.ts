import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { run } from "../process/run.ts";
import { blocked, type Check, ok, wordsOf } from "./check.ts";
import { nearestFolder } from "./nearest-folder.ts";

type Env = Readonly<Record<string, string | undefined>>;

const deadlineMs = 5_000;

/** Tries, inside this very shell, the things that sandboxes of agents forbid. */
export async function checkSandbox(
  place: { stateFolder: string; execPath: string; env: Env },
  signal: AbortSignal,
): Promise<Check[]> {
  return Promise.all([
    checkWriting(place.stateFolder),
    checkLoopback(),
    checkProcesses(place.execPath, place.env, signal),
  ]);
}

async function checkWriting(folder: string): Promise<Check> {
  const name = "state folder";
  try {
    const probe = await mkdtemp(join(await nearestFolder(folder), ".land-doctor-"));
    await writeFile(join(probe, "probe"), "").finally(() => rm(probe, { recursive: true }));
    return ok(name, `${folder} can be written`);
  } catch (error) {
    return blocked(
      name,
      `${folder} cannot be written: ${wordsOf(error)}`,
      "Let this shell write there, or set XDG_STATE_HOME to a folder that it may write; the forge can also be started outside it with `land serve`.",
    );
  }
}

async function checkLoopback(): Promise<Check> {
  const name = "loopback";
  const server = createServer((socket) => socket.end());
  let bound = false;
  try {
    const port = await listen(server);
    bound = true;
    await reach(port);
    return ok(name, "ports on 127.0.0.1 can be opened and reached");
  } catch (error) {
    return bound
      ? blocked(
          name,
          `127.0.0.1 cannot be reached: ${wordsOf(error)}`,
          "Allow connections to 127.0.0.1 in this shell's sandbox; every command talks to the forge there.",
        )
      : blocked(
          name,
          `no port on 127.0.0.1 can be opened: ${wordsOf(error)}`,
          "Start the forge outside this shell with `land serve`; commands in here only need to reach it.",
        );
  } finally {
    server.close();
  }
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((settle, fail) => {
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) settle(address.port);
      else fail(new Error("no port was given"));
    });
  });
}

function reach(port: number): Promise<void> {
  return new Promise((settle, fail) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: deadlineMs });
    socket.once("connect", () => {
      socket.destroy();
      settle();
    });
    socket.once("error", fail);
    socket.once("timeout", () => {
      socket.destroy();
      fail(new Error("the connection was not answered"));
    });
  });
}

async function checkProcesses(execPath: string, env: Env, signal: AbortSignal): Promise<Check> {
  const tried = await run(execPath, ["-e", "0"], { env, timeoutMs: deadlineMs, signal });
  return tried.exitCode === 0
    ? ok("processes", "programs can be started")
    : blocked(
        "processes",
        `a program could not be started: ${tried.notStarted ?? tried.stderr.trim().slice(0, 300)}`,
        "Allow this shell to start processes: git and the forge are some.",
      );
}
