import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTo, desktopServer } from "../support/bundles.ts";
import { type Ran, runToEnd } from "../support/cli.ts";
import { type ClientProgram, clientProgram, whySkipped } from "../support/clients.ts";
import { root } from "../support/sources.ts";

/** Reaches nobody: what is checked here must not need the network. */
const nowhere = "http://127.0.0.1:9";
const skills = readdirSync(join(root, "skills"));
let dir: string;
let env: Readonly<Record<string, string>>;
/** The package as npm would install it. */
let unpacked: string;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), "land-validators-")));
  const home = join(dir, "home");
  await mkdir(home);
  env = {
    PATH: [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter),
    HOME: home,
    TERM: "dumb",
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DO_NOT_TRACK: "1",
  };
  await done(["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", dir], root);
  const [tarball = ""] = (await readdir(dir)).filter((name) => name.endsWith(".tgz"));
  await done(["tar", "-xzf", tarball]);
  unpacked = join(dir, "package");
});

afterAll(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));

/** Runs a command to its end; throws with all that it said where it failed. */
async function done(command: readonly string[], cwd = dir): Promise<Ran> {
  const [file = "", ...args] = command;
  const ran = await runToEnd(file, args, { cwd, env });
  if (ran.code !== 0) throw new Error(`${command.join(" ")}: ${ran.code}\n${ran.out}${ran.err}`);
  return ran;
}

/** A checker with its arguments. */
function checker(name: ClientProgram, ...args: readonly string[]): string[] {
  const program = clientProgram(name);
  if (program === undefined) throw new Error(`${name} is not installed in tools/clients.`);
  return [program, ...args];
}

/** Tests of one program, each skipped with a word where it is not installed. */
function withProgram(name: ClientProgram, what: string, test: () => Promise<void>): void {
  it.skipIf(clientProgram(name) === undefined)(`${what}${whySkipped(name)}`, test);
}

describe("skills", () => {
  for (const skill of skills) {
    withProgram("skills-ref", `skills-ref accepts ${skill}`, async () => {
      await done(checker("skills-ref", "validate", join(root, "skills", skill)));
    });
  }

  withProgram("skills", "the skills CLI installs land for two clients", async () => {
    const project = join(dir, "project");
    await mkdir(project);
    const clients = ["-a", "claude-code", "-a", "codex"];
    await done(checker("skills", "add", unpacked, "--skill", "land", ...clients, "-y"), project);
    for (const folder of [".agents", ".claude"]) {
      const there = await readdir(join(project, folder, "skills"));
      expect(there).toEqual(["land"]);
      expect(await readdir(join(project, folder, "skills", "land"))).toContain("SKILL.md");
    }
  });
});

describe("plugins", () => {
  withProgram("claude-code", "claude accepts the checkout strictly", async () => {
    await done(checker("claude-code", "plugin", "validate", ".", "--strict"), root);
  });

  withProgram("claude-code", "claude accepts the package strictly, and loads it", async () => {
    await done(checker("claude-code", "plugin", "validate", unpacked, "--strict"));
    await done(checker("claude-code", "plugin", "marketplace", "add", unpacked));
    const name = "forge-landing-kit@forge-landing-kit";
    await done(checker("claude-code", "plugin", "install", name));
    const { out } = await done(checker("claude-code", "plugin", "list", "--json"));
    expect(JSON.parse(out)).toMatchObject([{ id: name, enabled: true }]);
    const health = await done(checker("claude-code", "mcp", "list"));
    expect(health.out).toMatch(/plugin:forge-landing-kit:land: .*Connected/);
  });

  withProgram("codex", "codex installs it from the same marketplace", async () => {
    await done(checker("codex", "plugin", "marketplace", "add", unpacked));
    await done(checker("codex", "plugin", "add", "forge-landing-kit@forge-landing-kit"));
    const { out } = await done(checker("codex", "mcp", "list", "--json"));
    expect(JSON.parse(out)).toMatchObject([
      {
        name: "land",
        transport: { command: "node", cwd: expect.stringContaining("/plugins/cache/") },
      },
    ]);
  });

  withProgram("gemini", "gemini accepts the extension", async () => {
    const { out, err } = await done(checker("gemini", "extensions", "validate", unpacked));
    expect(out + err).toContain("successfully validated");
  });
});

describe("the desktop's bundle", () => {
  withProgram("mcpb", "mcpb accepts it, and packs what the server needs alone", async () => {
    await done(checker("mcpb", "validate", join(unpacked, "manifest.json")));
    await done(checker("mcpb", "pack", unpacked, join(dir, "kit.mcpb")));
    const opened = join(dir, "opened");
    await done(checker("mcpb", "unpack", join(dir, "kit.mcpb"), opened));
    expect((await readdir(opened)).sort()).toEqual(
      ["LICENSE", "README.md", "dist", "manifest.json", "package.json", "skills"].sort(),
    );
    const client = await connectTo(desktopServer(dir, opened), "/", env);
    try {
      expect((await client.listTools()).tools).toHaveLength(13);
    } finally {
      await client.close();
    }
  });
});
