import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { onLoopback } from "./loopback.ts";
import { anthropic } from "./mock-model/anthropic.ts";
import { completions } from "./mock-model/completions.ts";
import type { Answer, Asked, Dialect, Turn } from "./mock-model/dialect.ts";
import { gemini } from "./mock-model/gemini.ts";
import { responses } from "./mock-model/responses.ts";

export type { Asked, Turn } from "./mock-model/dialect.ts";
export { mockKey } from "./mock-model/dialect.ts";

const dialects: readonly Dialect[] = [anthropic, responses, completions, gemini];

/** A model on loopback that speaks every dialect, and notes what it is asked. */
export interface MockModel extends AsyncDisposable {
  /** Without a path. */
  readonly url: string;
  /** Every question, in order. */
  readonly asked: readonly Asked[];
  /** What a real model would have refused, and paths that none has. */
  readonly refused: readonly string[];
  /** The first question with tools: clients also ask for titles and the like. */
  first(): Asked;
}

/** Starts a model. `decide` says what it answers where tools are on offer; default: a greeting. */
export async function mockModel(
  decide: (asked: Asked) => Turn = () => ({ say: "Hello." }),
): Promise<MockModel> {
  const asked: Asked[] = [];
  const refused: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const settled = answerTo(incoming, asked, decide).catch((error: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      refused.push(`${incoming.method} ${incoming.url}: ${said}`);
      return undefined;
    });
    void settled.then((answer) => {
      outgoing.writeHead(answer === undefined ? 400 : 200, {
        "content-type": answer?.type ?? "application/json",
      });
      outgoing.end(answer?.body ?? JSON.stringify({ error: { message: "refused" } }));
    });
  });
  const { origin, close } = await onLoopback(server);
  return {
    url: origin,
    asked,
    refused,
    first() {
      const found = asked.find(({ tools }) => tools.length > 0);
      if (found === undefined) throw new Error(`The model was never asked. ${refused.join("; ")}`);
      return found;
    },
    [Symbol.asyncDispose]: close,
  };
}

async function answerTo(
  incoming: IncomingMessage,
  asked: Asked[],
  decide: (asked: Asked) => Turn,
): Promise<Answer> {
  const path = new URL(incoming.url ?? "/", "http://127.0.0.1").pathname;
  const dialect = dialects.find((one) => incoming.method === "POST" && one.path.test(path));
  if (dialect === undefined) throw new Error("no model answers here");
  const body: unknown = JSON.parse(await text(incoming));
  const question = { path, headers: incoming.headers, body };
  const read = dialect.read(question);
  asked.push(read);
  const turn = read.tools.length > 0 ? decide(read) : { say: "A title" };
  return dialect.answer(turn, question);
}
