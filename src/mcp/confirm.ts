import { createHash, randomBytes } from "node:crypto";
import {
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  type RequestStateCodec,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import type { OperationContext } from "../operations/operation.ts";

type Confirm = OperationContext["confirm"];

/** What travels through the client with a question, signed by us. */
interface Asked {
  readonly question: string;
}
export type QuestionSeal = RequestStateCodec<Asked>;

/** Signs what we asked, so that an answer counts only for the very question it was given to. */
export function newQuestionSeal(): QuestionSeal {
  return createRequestStateCodec<Asked>({
    key: randomBytes(32),
    bind: (context) => context.mcpReq.method,
  });
}

/** Thrown through an operation to end this round of a call with a question to a person. */
export class QuestionPending extends Error {
  readonly answer: InputRequiredResult;

  constructor(answer: InputRequiredResult) {
    super("waiting for a person's answer");
    this.answer = answer;
  }
}

const key = "consent";
const field = "number";

/**
 * Asks a person through the client (elicitation). The call is made again with the answer, so what
 * runs before a question must be safe to run twice. Clients that cannot ask are told apart first.
 */
export function confirmThrough(
  server: McpServer,
  context: ServerContext,
  seal: QuestionSeal,
): Confirm {
  return async ({ message, expected }) => {
    if (!canAsk(server, context)) return "no_way";
    const question = createHash("sha256").update(`${expected}\0${message}`).digest("base64url");
    const asked = context.mcpReq.requestState<Asked | undefined>();
    const response = inputResponse(context.mcpReq.inputResponses, key);
    if (asked?.question !== question || response.kind !== "elicit") {
      throw new QuestionPending(
        inputRequired({
          inputRequests: { [key]: inputRequired.elicit({ message, requestedSchema: schema }) },
          requestState: await seal.mint({ question }, context),
        }),
      );
    }
    const typed = response.action === "accept" ? response.content?.[field] : undefined;
    return typeof typed === "string" && typed.trim().replace(/^#/, "") === expected
      ? "agreed"
      : "declined";
  };
}

const schema = {
  type: "object" as const,
  properties: {
    [field]: {
      type: "string" as const,
      title: "Answer",
      description: "What the question says to type",
    },
  },
  required: [field],
};

const askingClient = z.object({ elicitation: z.record(z.string(), z.unknown()) });

/** Whether the client says that it can show a form. An empty capability means it can. */
function canAsk(server: McpServer, context: ServerContext): boolean {
  // Since 2026-07-28 each request says it; before, the connection's beginning did.
  const envelope: Record<string, unknown> = { ...context.mcpReq.envelope };
  const capabilities =
    envelope[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities();
  const elicitation = askingClient.safeParse(capabilities).data?.elicitation;
  if (elicitation === undefined) return false;
  return Object.keys(elicitation).length === 0 || elicitation.form !== undefined;
}
