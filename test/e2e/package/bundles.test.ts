import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  connectTo,
  desktopServer,
  type Host,
  hookOf,
  hosts,
  serverOf,
} from "../../support/bundles.ts";
import { aRepository, runToEnd, type Scene } from "../../support/cli.ts";

const allHosts = Object.keys(hosts) as Host[];
let scene: Scene;

beforeAll(async () => {
  scene = await aRepository();
});

afterAll(() => scene[Symbol.asyncDispose]());

describe("the server of a bundle", () => {
  const servers = [
    ...allHosts.map((host) => ({ host, server: () => serverOf(host) })),
    { host: "a desktop", server: () => desktopServer(scene.dir) },
  ];

  it.each(servers)("of $host offers thirteen tools and speaks of the work tree", async (bundle) => {
    const client = await connectTo(bundle.server(), scene.dir, scene.env);
    try {
      expect((await client.listTools()).tools).toHaveLength(13);
      // Codex starts it in the plugin's folder, where only the model can say which work tree is meant.
      const named = bundle.host === "codex" ? { worktree: scene.dir } : {};
      const status = await client.callTool({ name: "branch_status", arguments: named });
      // What is in no repository is named.
      expect(JSON.stringify(status)).toContain(`${scene.dir} is in no git work tree`);
    } finally {
      await client.close();
    }
  });
});

describe("the hook of a bundle", () => {
  const shapes: Readonly<Record<Host, unknown>> = {
    "claude-code": nested(),
    codex: nested(),
    gemini: nested(),
    cursor: { additional_context: expect.stringContaining(brief()) },
  };

  it.each(allHosts)("of %s answers with the brief as it wants it", async (host) => {
    const { command, env } = hookOf(host);
    const ran = await runToEnd("sh", ["-c", command], {
      cwd: scene.repo,
      env: { ...scene.env, ...env },
    });
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.json()).toEqual(shapes[host]);
  });

  function nested(): object {
    const additionalContext = expect.stringContaining(brief());
    return { hookSpecificOutput: { hookEventName: "SessionStart", additionalContext } };
  }

  /** Words of every brief. */
  function brief(): string {
    return "main";
  }
});
