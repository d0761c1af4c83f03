import { z } from "zod";
import { type Dialect, events, stringsIn, type Turn } from "./dialect.ts";

const named = z.looseObject({ name: z.string() });
const tool = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  tools: z.array(named).optional(),
});
const request = z.looseObject({
  model: z.string().min(1),
  stream: z.literal(true),
  instructions: z.string().optional(),
  input: z.array(z.looseObject({ type: z.string() })).min(1),
  tools: z.array(tool).default([]),
});

/** OpenAI's Responses, streamed. */
export const responses: Dialect = {
  name: "responses",
  path: /^\/v1\/responses$/,
  read({ body }) {
    const { instructions, input, tools } = request.parse(body);
    const called = input.filter(({ type }) => type === "function_call").map((call) => call.call_id);
    const results = input.filter(({ type }) => type === "function_call_output");
    const strange = results.find((result) => !called.includes(result.call_id));
    if (strange !== undefined) throw new Error("a function_call_output without its function_call");
    return {
      dialect: "responses",
      text: stringsIn([instructions, input.map(({ content }) => content)]).join("\n"),
      tools: tools.flatMap(namesOf),
      results: results.map(({ output }) => stringsIn(output).join("\n")),
    };
  },
  answer(turn, question) {
    const { input } = request.parse(question.body);
    const item = itemOf(turn, input.length);
    const usage = { input_tokens: 10, output_tokens: 1, total_tokens: 11 };
    const response = { id: "resp_mock", output: [item], usage };
    return events([
      { type: "response.created", response: { id: response.id } },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response },
    ]);
  },
};

function namesOf({ type, name, tools }: z.infer<typeof tool>): string[] {
  if (type === "namespace") return (tools ?? []).map((inner) => `${name}.${inner.name}`);
  return name === undefined ? [] : [name];
}

function itemOf(turn: Turn, nth: number) {
  if ("say" in turn) {
    const content = [{ type: "output_text", text: turn.say, annotations: [] }];
    return { type: "message", id: "m", role: "assistant", status: "completed", content };
  }
  const [name, namespace] = turn.call.split(".").reverse();
  const call = { type: "function_call", id: `fc_${nth}`, call_id: `call_${nth}`, name };
  return {
    ...call,
    ...(namespace === undefined ? {} : { namespace }),
    arguments: JSON.stringify(turn.given),
    status: "completed",
  };
}
