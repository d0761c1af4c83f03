import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { mockKey } from "./mock-model.ts";
import { root } from "./sources.ts";

const modules = join(root, "tools", "clients", "node_modules");

/** The clients that can be run without a person and a window. */
const headlessClients = ["claude-code", "codex", "gemini", "copilot", "opencode"] as const;
export type HeadlessClient = (typeof headlessClients)[number];

/** Everything that `tools/clients` installs: clients, and what checks skills and bundles. */
export type ClientProgram = HeadlessClient | "mcpb" | "skills" | "skills-ref";

/** Where a program is below `node_modules`. */
interface Installed {
  readonly file: string;
  /** A package whose own program is in a package of the platform, named like it. */
  readonly native?: string;
}

const programs: Readonly<Record<ClientProgram, Installed>> = {
  // Its install script, which we do not run, would put the platform's program in its place.
  "claude-code": { file: "claude", native: "@anthropic-ai/claude-code" },
  codex: { file: "@openai/codex/bin/codex.js", native: "@openai/codex" },
  gemini: { file: "@google/gemini-cli/bundle/gemini.js" },
  copilot: { file: "@github/copilot/npm-loader.js", native: "@github/copilot" },
  opencode: { file: "opencode-linux-x64/bin/opencode" },
  mcpb: { file: "@anthropic-ai/mcpb/dist/cli/cli.js" },
  skills: { file: "skills/bin/cli.mjs" },
  "skills-ref": { file: "skills-ref/dist/cli.js" },
};

/** Path of a program, to be started as it is with Node in PATH; undefined where it is missing. */
export function clientProgram(name: ClientProgram): string | undefined {
  const { file, native } = programs[name];
  const folder = native === undefined ? modules : nativeFolder(native);
  if (folder === undefined) return undefined;
  const path = join(file.includes("/") ? modules : folder, file);
  return existsSync(path) ? path : undefined;
}

/** The platform's package: npm leaves out those of others, and of the other C library. */
function nativeFolder(native: string): string | undefined {
  const scope = dirname(join(modules, native));
  if (!existsSync(scope)) return undefined;
  const prefix = `${basename(native)}-${process.platform}`;
  const found = readdirSync(scope).find((name) => name.startsWith(prefix));
  return found === undefined ? undefined : join(scope, found);
}

/** Why the tests of a program are skipped, to be put into their name; empty where they run. */
export function whySkipped(name: ClientProgram): string {
  return clientProgram(name) === undefined ? " (skipped: not installed in tools/clients)" : "";
}

/** How a client is started on one prompt, with a model of ours and nothing from the network. */
interface Headless {
  args(prompt: string, modelUrl: string): readonly string[];
  env(modelUrl: string): Readonly<Record<string, string>>;
  /** A tool of our server as this client calls it. */
  tool(name: string): string;
  /** Files below the home of a person who uses it already. */
  readonly home: Readonly<Record<string, string>>;
}

const headless: Readonly<Record<HeadlessClient, Headless>> = {
  "claude-code": {
    // Without a person, what may run must be named; everything else is declined.
    args: (prompt) => ["-p", prompt, "--allowedTools", "mcp__land", "ToolSearch"],
    env: (modelUrl) => ({
      ANTHROPIC_BASE_URL: modelUrl,
      ANTHROPIC_API_KEY: mockKey,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
    }),
    tool: (name) => `mcp__land__${name}`,
    home: { ".claude/settings.json": '{ "model": "claude-opus-5-5" }\n' },
  },
  codex: {
    args: (prompt, modelUrl) => [
      "exec",
      ...[
        "-c",
        `model_providers.mock={name="mock",base_url="${modelUrl}/v1",wire_api="responses"}`,
      ],
      ...["-c", 'model_provider="mock"', "-c", "check_for_update_on_startup=false"],
      ...["-c", "analytics.enabled=false", "-c", "features.plugins=false"],
      ...["-m", "mock-1", prompt],
    ],
    env: () => ({}),
    tool: (name) => `mcp__land.${name}`,
    home: { ".codex/config.toml": '# mine\nmodel_reasoning_effort = "low"\n' },
  },
  gemini: {
    // Without a person, only what needs no confirmation is offered: all of it in this mode.
    args: (prompt) => [
      "--skip-trust",
      "--approval-mode=yolo",
      "-m",
      "gemini-2.5-flash",
      "-p",
      prompt,
    ],
    env: (modelUrl) => ({ GOOGLE_GEMINI_BASE_URL: modelUrl, GEMINI_API_KEY: mockKey }),
    tool: (name) => `mcp_land_${name}`,
    home: {
      ".gemini/settings.json": `{
  // mine
  "security": { "auth": { "selectedType": "gemini-api-key" } },
  "privacy": { "usageStatisticsEnabled": false },
  "general": { "enableAutoUpdate": false }
}
`,
    },
  },
  copilot: {
    args: (prompt) => ["--trust-folder", "--no-auto-update", "--allow-all-tools", "-p", prompt],
    env: (modelUrl) => ({
      COPILOT_OFFLINE: "true",
      COPILOT_PROVIDER_BASE_URL: `${modelUrl}/v1`,
      COPILOT_PROVIDER_API_KEY: mockKey,
      COPILOT_MODEL: "gpt-5",
    }),
    tool: (name) => `land-${name}`,
    home: {},
  },
  opencode: {
    args: (prompt) => ["run", prompt],
    env: (modelUrl) => ({
      OPENCODE_CONFIG_CONTENT: JSON.stringify(openCodeSettings(modelUrl)),
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      // It would install a package for its plugins first, and try for a minute without a network.
      NPM_CONFIG_OFFLINE: "true",
    }),
    tool: (name) => `land_${name}`,
    home: {},
  },
};

function openCodeSettings(modelUrl: string): object {
  const options = { baseURL: `${modelUrl}/v1`, apiKey: mockKey };
  const models = { "mock-1": { name: "mock-1" } };
  const mock = { npm: "@ai-sdk/openai-compatible", name: "mock", options, models };
  return { provider: { mock }, model: "mock/mock-1", autoupdate: false, share: "disabled" };
}

/** Program and arguments that run a client on one prompt. Throws where it is not installed. */
export function promptCommand(
  client: HeadlessClient,
  prompt: string,
  modelUrl: string,
): readonly [string, ...string[]] {
  const program = clientProgram(client);
  if (program === undefined) throw new Error(`${client} is not installed in tools/clients.`);
  return [program, ...headless[client].args(prompt, modelUrl)];
}

/** What a client's environment must have so that it asks our model. */
export function modelEnvironment(
  client: HeadlessClient,
  modelUrl: string,
): Readonly<Record<string, string>> {
  return headless[client].env(modelUrl);
}

/** A tool of our server as a client's model calls it. */
export function toolOf(client: HeadlessClient, name: string): string {
  return headless[client].tool(name);
}

/** Files below the home of a person who uses a client already. */
export function homeOf(client: HeadlessClient): Readonly<Record<string, string>> {
  return headless[client].home;
}
