import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
  ResourceTemplate,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { branchStatus } from "../operations/branch-status.ts";
import { errorView, renderError } from "../operations/errors.ts";
import { laneLogs } from "../operations/lane-logs.ts";
import type { AnyOperation } from "../operations/operation.ts";
import { perform } from "../operations/perform.ts";
import { capText } from "../text/bytes.ts";
import type { CallSettings } from "./tool-call.ts";

const roadmapFile = "todos/pika-git.md";
const roadmapBytes = 100_000;

/** Where a folder has its roadmap; undefined where it has none. */
export function roadmapIn(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  const path = join(folder, roadmapFile);
  return existsSync(path) ? path : undefined;
}

/** Offers a branch, a lane's log and, where there is one, the roadmap at a path. */
export function registerResources(
  server: McpServer,
  settings: CallSettings,
  roadmap: string | undefined,
): void {
  if (roadmap !== undefined) {
    server.registerResource(
      "roadmap",
      "forge://roadmap",
      { description: `The repository's roadmap, ${roadmapFile}`, mimeType: "text/markdown" },
      (uri) => readRoadmap(uri, roadmap),
    );
  }
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
  const { error } = performed;
  if (error.code === "not_found") throw new ResourceNotFoundError(uri.href);
  throw new ProtocolError(ProtocolErrorCode.InternalError, renderError(errorView(error)), {
    code: error.code,
  });
}

async function readRoadmap(uri: URL, path: string): Promise<ReadResourceResult> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) throw new ResourceNotFoundError(uri.href);
  return textOf(uri, capText(text, roadmapBytes, { rest: `read ${roadmapFile}` }), "text/markdown");
}

function textOf(uri: URL, text: string, mimeType: string): ReadResourceResult {
  return { contents: [{ uri: uri.href, mimeType, text }] };
}
