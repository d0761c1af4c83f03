/**
 * What each coding agent wants its MCP entry and its session-start hook to look like, and how long
 * it lets a tool call run. Pure; `land setup` and the generated bundles are made of it.
 */
export const clients = [
  "claude-code",
  "codex",
  "gemini",
  "copilot",
  "cursor",
  "vscode",
  "opencode",
] as const;
export type Client = (typeof clients)[number];

/** The key of our entry in every client's configuration. */
export const serverName = "land";

/** How a program is started: program first, then what always follows it. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
}

/** How long a hook may take, in seconds; the brief ends well before by itself. */
const hookTimeoutSeconds = 20;

/** How much earlier than its client a waiting tool answers, in seconds. */
const marginSeconds = 30;

interface Limit {
  readonly seconds: number;
  /** Whether our own entry sets it; else it is the client's fixed one. */
  readonly ours: boolean;
}

/**
 * How long a client lets one tool call run. Cursor documents none; a minute is what the bare SDK
 * allows.
 */
const callLimits: Readonly<Record<Client, Limit>> = {
  "claude-code": { seconds: 1800, ours: false },
  codex: { seconds: 600, ours: true },
  gemini: { seconds: 600, ours: true },
  copilot: { seconds: 180, ours: false },
  cursor: { seconds: 60, ours: false },
  vscode: { seconds: 300, ours: false },
  opencode: { seconds: 600, ours: true },
};

/** How long the first answer of the server may take, in seconds: a cold Node on a busy machine. */
const startSeconds = 30;

/**
 * What the server must be handed where a client starts it with a clean environment: where state and
 * keys lie, how git and ssh reach a remote, and how a hosted forge is reached.
 */
const passedVariables: readonly string[] = [
  "XDG_STATE_HOME",
  "XDG_CONFIG_HOME",
  "XDG_CACHE_HOME",
  "XDG_RUNTIME_DIR",
  "PH_BASE_URL",
  "SSH_AUTH_SOCK",
  "GIT_SSH_COMMAND",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_AUTHOR_NAME",
  "GIT_AUTHOR_EMAIL",
  "GIT_COMMITTER_NAME",
  "GIT_COMMITTER_EMAIL",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

/** What `land mcp --wait` is given: the client's limit of a tool call less half a minute. Seconds. */
export function waitSecondsOf(client: Client): number {
  return callLimits[client].seconds - marginSeconds;
}

/**
 * The value under the key `land` in a client's list of MCP servers. `launch` starts `land`;
 * `waitSeconds` is what its waiting tools wait, where another than the client's own limit counts.
 */
export function mcpEntry(
  client: Client,
  launch: Launch,
  waitSeconds: number = waitSecondsOf(client),
): Record<string, unknown> {
  const { command } = launch;
  const args = [...launch.args, "mcp", "--wait", String(waitSeconds)];
  const { seconds } = callLimits[client];
  switch (client) {
    case "claude-code":
    case "cursor":
    case "vscode":
      return { type: "stdio", command, args };
    case "copilot":
      return { type: "local", command, args, tools: ["*"] };
    case "gemini":
      return { command, args, timeout: seconds * 1000 };
    case "codex":
      return {
        command,
        args,
        env_vars: [...passedVariables],
        startup_timeout_sec: startSeconds,
        tool_timeout_sec: seconds,
      };
    case "opencode":
      return { type: "local", command: [command, ...args], enabled: true, timeout: seconds * 1000 };
  }
}

/** The key under which a client's file lists its MCP servers. */
export function serversKeyOf(client: Client): string {
  if (client === "vscode") return "servers";
  if (client === "opencode") return "mcp";
  return client === "codex" ? "mcp_servers" : "mcpServers";
}

/**
 * A whole hooks document in a client's shape that runs a shell command at each session's start.
 * Undefined for OpenCode, which has plugins instead. `timeoutSeconds` in seconds; where the client
 * counts otherwise it is converted.
 */
export function sessionStartHooks(
  client: Client,
  command: string,
  timeoutSeconds: number = hookTimeoutSeconds,
): Record<string, unknown> | undefined {
  const hook = { type: "command", command, timeout: timeoutSeconds };
  switch (client) {
    case "claude-code":
    case "codex":
      return {
        hooks: { SessionStart: [{ matcher: "startup|resume|clear|compact", hooks: [hook] }] },
      };
    case "copilot":
      return {
        version: 1,
        hooks: { SessionStart: [{ matcher: "startup|resume|clear|compact", hooks: [hook] }] },
      };
    case "gemini":
      // Its matcher of a session's start is one exact word; none means all. Milliseconds.
      return {
        hooks: {
          SessionStart: [
            { hooks: [{ ...hook, name: "agent-brief", timeout: timeoutSeconds * 1000 }] },
          ],
        },
      };
    case "vscode":
      return { hooks: { SessionStart: [hook] } };
    case "cursor":
      return { version: 1, hooks: { sessionStart: [{ command, timeout: timeoutSeconds }] } };
    case "opencode":
      return undefined;
  }
}

/** What `agent-brief --format` is given for a client. */
export function briefFormatOf(client: Client): string {
  switch (client) {
    case "claude-code":
    case "vscode":
      return "claude";
    case "opencode":
      return "text";
    default:
      return client;
  }
}
