import type {
  CallToolResult,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from "@modelcontextprotocol/server";
import { capAnswer } from "../operations/answer-size.ts";
import { errorView, renderError } from "../operations/errors.ts";
import type { AnyOperation, OperationContext } from "../operations/operation.ts";
import { perform } from "../operations/perform.ts";
import { confirmThrough, QuestionPending, type QuestionSeal } from "./confirm.ts";
import { reportProgress } from "./progress.ts";

/** What every call needs beside its arguments. Lives longer than a connection. */
export interface CallSettings {
  /** Opens the repository at a path; undefined: where the server was started. */
  readonly openWorktree: (
    path: string | undefined,
    signal: AbortSignal,
  ) => ReturnType<OperationContext["worktree"]>;
  readonly waitSeconds: number;
  readonly seal: QuestionSeal;
}

/** Carries out one tool call. Every failure is a result with `isError`, never a crash. */
export async function callTool(
  operation: AnyOperation,
  given: unknown,
  settings: CallSettings,
  server: McpServer,
  context: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  const { signal } = context.mcpReq;
  const progress = reportProgress(context);
  try {
    const performed = await perform(
      operation,
      {
        worktree: (path) => settings.openWorktree(path, signal),
        signal,
        progress: progress.tell,
        waitSeconds: settings.waitSeconds,
        confirm: confirmThrough(server, context, settings.seal),
      },
      given,
      (thrown) => thrown instanceof QuestionPending,
    );
    return performed.done ? answer(operation, performed) : failure(errorView(performed.error));
  } catch (thrown) {
    if (thrown instanceof QuestionPending) return thrown.answer;
    throw thrown;
  } finally {
    progress.stop();
  }
}

function answer(
  operation: AnyOperation,
  performed: { result: unknown; text: string },
): CallToolResult {
  if (operation.textOnly === true) return { content: [{ type: "text", text: performed.text }] };
  const { result, text } = capAnswer(performed);
  return {
    content: [{ type: "text", text }],
    structuredContent: result as Record<string, unknown>,
  };
}

function failure(view: ReturnType<typeof errorView>): CallToolResult {
  const { result, text } = capAnswer({ result: view, text: renderError(view) });
  return {
    isError: true,
    content: [{ type: "text", text }],
    structuredContent: result as Record<string, unknown>,
  };
}
