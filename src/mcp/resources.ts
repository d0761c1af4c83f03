import {
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
  ResourceTemplate,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { LandError } from "../domain/errors.ts";
import { branchStatus } from "../operations/branch-status.ts";
import { asLandError, errorView, renderError } from "../operations/errors.ts";
import { laneLogs } from "../operations/lane-logs.ts";
import type { AnyOperation } from "../operations/operation.ts";
import { perform } from "../operations/perform.ts";
import { parseRoadmap } from "../roadmap/parse.ts";
import type { RoadmapFile, RoadmapSource } from "../roadmap/read.ts";
import { roadmapView } from "../roadmap/render.ts";
import { capText } from "../text/bytes.ts";
import { plainText } from "../text/control.ts";
import { shrinkJson } from "../text/json.ts";
import type { CallSettings } from "./tool-call.ts";

const roadmapBytes = 100_000;
/** As with tools: what is longer must be asked for, here by reading the whole roadmap. */
const openBytes = 12_000;

/** Offers a branch, a lane's log and, where there is one, the roadmap. */
export function registerResources(
  server: McpServer,
  settings: CallSettings,
  roadmap: RoadmapSource | undefined,
): void {
  if (roadmap !== undefined) registerRoadmap(server, roadmap);
  server.registerResource(
    "branch",
    new ResourceTemplate("forge://branch/{id}", { list: undefined }),
    { description: "A branch on the forge, by number or name", mimeType: "text/plain" },
    (uri, { id }, context) => readAnswer(uri, branchStatus, { branch: one(id) }, settings, context),
  );
  server.registerResource(
    "lane log",
    new ResourceTemplate("forge://branch/{id}/lane/{lane}/log", { list: undefined }),
    {
      description:
        "The tail of a lane's log: branch number or name, lane name or lane_run. Untrusted text",
      mimeType: "text/plain",
    },
    (uri, { id, lane }, context) =>
      readAnswer(uri, laneLogs, { branch: one(id), ...laneArgument(one(lane)) }, settings, context),
  );
}

function registerRoadmap(server: McpServer, roadmap: RoadmapSource): void {
  server.registerResource(
    "roadmap",
    "forge://roadmap",
    { description: "The repository's roadmap", mimeType: "text/markdown" },
    async (uri, context) => {
      const { path, text } = await readRoadmap(uri, roadmap, context);
      const whole = capText(plainText(text), roadmapBytes, { rest: `read ${path}` });
      return textOf(uri, whole, "text/markdown");
    },
  );
  server.registerResource(
    "open roadmap items",
    "forge://roadmap/open",
    {
      description: "What the roadmap leaves open, by workstream",
      mimeType: "application/json",
    },
    async (uri, context) => {
      const { path, text } = await readRoadmap(uri, roadmap, context);
      const view = roadmapView(path, parseRoadmap(text), false);
      return textOf(uri, JSON.stringify(shrinkJson(view, openBytes)), "application/json");
    },
  );
}

/** Variables of a URI template arrive percent-encoded, one text or a list of them. */
function one(variable: string | string[] | undefined): string {
  const text = Array.isArray(variable) ? variable.join(",") : (variable ?? "");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function laneArgument(lane: string): { lane: string } | { lane_run: string } {
  return /^\d+$/.test(lane) ? { lane_run: lane } : { lane };
}

async function readAnswer(
  uri: URL,
  operation: AnyOperation,
  given: Record<string, unknown>,
  settings: CallSettings,
  context: ServerContext,
): Promise<ReadResourceResult> {
  const { signal } = context.mcpReq;
  const performed = await perform(
    operation,
    {
      worktree: (path) => settings.openWorktree(path, signal),
      signal,
      progress: () => {},
      waitSeconds: settings.waitSeconds,
      confirm: async () => "no_way",
    },
    given,
  );
  if (performed.done) return textOf(uri, performed.text, "text/plain");
  throw resourceError(uri, performed.error);
}

async function readRoadmap(
  uri: URL,
  roadmap: RoadmapSource,
  context: ServerContext,
): Promise<RoadmapFile> {
  try {
    return await roadmap.read(context.mcpReq.signal);
  } catch (thrown) {
    const error = asLandError(thrown);
    // The folder that the server was started in may be gone with everything in it.
    if (error.code === "not_a_repository") throw new ResourceNotFoundError(uri.href);
    throw resourceError(uri, error);
  }
}

function resourceError(uri: URL, error: LandError): ProtocolError {
  if (error.code === "not_found") return new ResourceNotFoundError(uri.href);
  return new ProtocolError(ProtocolErrorCode.InternalError, renderError(errorView(error)), {
    code: error.code,
  });
}

function textOf(uri: URL, text: string, mimeType: string): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType, text }] };
}
