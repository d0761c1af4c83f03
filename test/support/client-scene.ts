import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, dirname, join } from "node:path";
import { run } from "../../src/process/run.ts";
import { type ForgeScene, firstFiles, type Ran, runToEnd, withForge } from "./cli.ts";
import { type HeadlessClient, homeOf, modelEnvironment, promptCommand } from "./clients.ts";
import { onLoopback } from "./loopback.ts";
import type { MockModel } from "./mock-model.ts";
import { root } from "./sources.ts";

/** How long a client may take for one prompt, its start and its tools' work included. */
const longestPromptMs = 60_000;

/** A repository with a forge, and a home of its own in which clients are set up. */
export interface ClientScene extends ForgeScene {
  readonly home: string;
  /** Hosts outside this machine that somebody wanted to reach; nothing gets through. */
  readonly wanted: ReadonlySet<string>;
  /** Runs a client on a prompt with a model of ours. Throws with what it said where it failed. */
  prompt(client: HeadlessClient, model: MockModel, how?: PromptOptions): Promise<Ran>;
  /** Runs any command in the clients' environment. */
  inHome(command: readonly string[], cwd?: string): Promise<Ran>;
}

export interface PromptOptions {
  /** Default: the repository. */
  readonly cwd?: string;
  /** Added to the client's command line. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The programs that an installed package would have on the PATH. */
const installed = { land: "land.js", "agent-brief": "agent-brief.js" };

/** A section of the repository's own that makes the brief as long as a brief may be. */
const fullSection = `---
title: All the room that is left
purpose: A brief as long as it gets.
order: 90
size: 20000
---
${Array.from({ length: 300 }, (_, at) => `- Line ${at}: what comes late is what gets cut first.`).join("\n")}
`;

/** A scene with the home of a person who uses a client already. */
export async function clientScene(client: HeadlessClient): Promise<ClientScene> {
  const nothing = await noWayOut();
  const scene = await withForge({ ...firstFiles, "briefs/full.md": fullSection });
  const home = join(scene.dir, "home");
  const bin = join(scene.dir, "bin");
  await Promise.all([mkdir(home, { recursive: true }), mkdir(bin)]);
  for (const [name, file] of Object.entries(installed)) {
    await symlink(join(root, "dist", file), join(bin, name));
  }
  const env = {
    ...scene.env,
    ...nothing.env,
    PATH: [bin, dirname(process.execPath), process.env.PATH ?? ""].join(delimiter),
    HOME: home,
    XDG_CACHE_HOME: join(scene.dir, "cache"),
    TMPDIR: join(scene.dir, "tmp"),
    TERM: "dumb",
  };
  await mkdir(env.TMPDIR);
  await writeBelow(home, homeOf(client));
  const inHome = (command: readonly string[], cwd = scene.repo) => {
    const [file = "", ...args] = command;
    return runToEnd(file, args, { cwd, env });
  };
  return {
    ...scene,
    env,
    home,
    wanted: nothing.wanted,
    land: (args, how = {}) => inHome(["land", ...args], how.cwd),
    inHome,
    async prompt(client, model, how = {}) {
      const [file, ...args] = promptCommand(client, "Say hello.", model.url);
      const ran = await run(file, [...args, ...(how.args ?? [])], {
        cwd: how.cwd ?? scene.repo,
        env: { ...env, ...modelEnvironment(client, model.url), ...how.env },
        timeoutMs: longestPromptMs,
      });
      const out = new TextDecoder().decode(ran.stdout);
      if (ran.exitCode !== 0) {
        const ended = ran.timedOut ? "did not end in time" : `ended with ${ran.exitCode}`;
        const refused = model.refused.join("\n");
        throw new Error(`${client} ${ended}:\n${out}\n${ran.stderr}\n${refused}`);
      }
      return { code: ran.exitCode, out, err: ran.stderr, json: () => JSON.parse(out) };
    },
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await nothing[Symbol.asyncDispose]();
    },
  };
}

async function writeBelow(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** A proxy that notes where one wants to go and lets nobody through. */
async function noWayOut() {
  const wanted = new Set<string>();
  const proxy = createServer((incoming, answer) => {
    wanted.add(new URL(incoming.url ?? "/", "http://unknown").host);
    answer.writeHead(502).end();
  });
  proxy.on("connect", (incoming, socket) => {
    wanted.add(incoming.url ?? "unknown");
    socket.on("error", () => {});
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  const { origin: address, close } = await onLoopback(proxy);
  const here = "127.0.0.1,localhost";
  return {
    wanted: wanted as ReadonlySet<string>,
    env: {
      HTTP_PROXY: address,
      HTTPS_PROXY: address,
      http_proxy: address,
      https_proxy: address,
      NO_PROXY: here,
      no_proxy: here,
    },
    [Symbol.asyncDispose]: close,
  };
}
