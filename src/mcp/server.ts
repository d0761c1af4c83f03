import { McpServer } from "@modelcontextprotocol/server";
import type { SkillCatalog } from "@modelcontextprotocol/server/ext/skills";
import { catalogue, selectTools } from "../operations/catalogue.ts";
import type { AnyOperation } from "../operations/operation.ts";
import type { RoadmapSource } from "../roadmap/read.ts";
import { newQuestionSeal } from "./confirm.ts";
import { instructions } from "./instructions.ts";
import { registerPrompts } from "./prompts.ts";
import { registerResources } from "./resources.ts";
import { type CallSettings, callTool } from "./tool-call.ts";
import { shownSchema, wireSchema } from "./wire-schema.ts";

const defaultWaitSeconds = 45;

export interface McpOptions {
  readonly version: string;
  readonly openWorktree: CallSettings["openWorktree"];
  /** How long a waiting call waits unless it says otherwise. Default 45 s. */
  readonly waitSeconds?: number | undefined;
  /** Shows only tools that change nothing. */
  readonly readOnly?: boolean | undefined;
  /** Shows only these tools. Unknown names throw `bad_argument`. */
  readonly tools?: readonly string[] | undefined;
  /** A folder of skills to offer; one that is not there is passed over. */
  readonly skillsDir?: string | undefined;
  /** The roadmap to offer where there is one, such as that of where the server was started. */
  readonly roadmap?: RoadmapSource | undefined;
  /** The operations to choose from. Default: the catalogue. */
  readonly operations?: readonly AnyOperation[] | undefined;
}

/** A tool as every connection shows it; made once. */
interface Tool {
  readonly name: string;
  readonly operation: AnyOperation;
  readonly schema: ReturnType<typeof shownSchema>;
}

/**
 * Makes servers, one per connection (stdio) or per request (HTTP). What is made here lives as long
 * as the process; a server itself is cheap and keeps nothing that a later call needs.
 */
export function mcpServers(options: McpOptions): () => Promise<McpServer> {
  const shown = selectTools(options.operations ?? catalogue, options);
  const tools = shown.map(toolOf);
  const settings: CallSettings = {
    openWorktree: options.openWorktree,
    waitSeconds: options.waitSeconds ?? defaultWaitSeconds,
    seal: newQuestionSeal(),
  };
  const told = instructions(shown, settings.waitSeconds);
  let skills: Promise<SkillCatalog | undefined> | undefined;
  return async () => {
    skills ??= skillsIn(options.skillsDir);
    const hasRoadmap = options.roadmap?.offered();
    const server = new McpServer(
      { name: "forge-landing-kit", version: options.version },
      {
        instructions: told,
        capabilities: {
          tools: { listChanged: false },
          resources: { listChanged: false },
          prompts: { listChanged: false },
        },
        requestState: { verify: settings.seal.verify },
      },
    );
    for (const tool of tools) registerTool(server, tool, settings);
    registerResources(server, settings, (await hasRoadmap) ? options.roadmap : undefined);
    registerPrompts(server);
    (await skills)?.attach(server);
    return server;
  };
}

function toolOf(operation: AnyOperation): Tool {
  return {
    name: operation.faces.tool ?? "",
    operation,
    schema: shownSchema(wireSchema(operation.input)),
  };
}

function registerTool(server: McpServer, tool: Tool, settings: CallSettings): void {
  const { hints, summary } = tool.operation;
  server.registerTool(
    tool.name,
    {
      description: summary,
      inputSchema: tool.schema,
      annotations: {
        readOnlyHint: hints.readOnly,
        destructiveHint: hints.destructive,
        idempotentHint: hints.idempotent,
        openWorldHint: false,
      },
    },
    (given, context) => callTool(tool.operation, given, settings, server, context),
  );
}

/** Skills as an extension of the protocol; their files stay the main way. */
async function skillsIn(folder: string | undefined): Promise<SkillCatalog | undefined> {
  if (folder === undefined) return undefined;
  const { loadSkills } = await import("@modelcontextprotocol/server/ext/skills/node");
  return loadSkills(folder, { onWarning: () => {} }).catch(() => undefined);
}
