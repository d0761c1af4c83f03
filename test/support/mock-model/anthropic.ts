import { z } from "zod";
import { type Dialect, events, mockKey, stringsIn, type Turn } from "./dialect.ts";

const block = z.looseObject({ type: z.string() });
const content = z.union([z.string(), z.array(block)]);
const request = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.number().positive(),
  stream: z.literal(true),
  system: content.optional(),
  messages: z.array(z.looseObject({ role: z.string(), content })).min(1),
  tools: z.array(z.looseObject({ name: z.string() })).default([]),
});

/** Anthropic's Messages, streamed. */
export const anthropic: Dialect = {
  name: "anthropic",
  path: /^\/v1\/messages$/,
  read({ headers, body }) {
    if (headers["x-api-key"] !== mockKey) throw new Error("no x-api-key");
    if (headers["anthropic-version"] === undefined) throw new Error("no anthropic-version");
    const { system, messages, tools } = request.parse(body);
    const blocks = messages.flatMap((message) =>
      typeof message.content === "string" ? [] : message.content,
    );
    const called = blocks.filter(({ type }) => type === "tool_use").map(({ id }) => id);
    const results = blocks.filter(({ type }) => type === "tool_result");
    const strange = results.find((result) => !called.includes(result.tool_use_id));
    if (strange !== undefined) throw new Error("a tool_result without its tool_use");
    return {
      dialect: "anthropic",
      text: stringsIn([system, messages.map((message) => message.content)]).join("\n"),
      tools: tools.map(({ name }) => name),
      results: results.map((result) => stringsIn(result.content).join("\n")),
    };
  },
  answer(turn, question) {
    const { model, messages } = request.parse(question.body);
    const message = { id: "msg_mock", type: "message", role: "assistant", model, content: [] };
    const usage = { input_tokens: 10, output_tokens: 1 };
    const { start, delta, reason } = blockOf(turn, messages.length);
    return events([
      { type: "message_start", message: { ...message, stop_reason: null, usage } },
      { type: "content_block_start", index: 0, content_block: start },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage },
      { type: "message_stop" },
    ]);
  },
};

function blockOf(turn: Turn, nth: number) {
  if ("say" in turn) {
    const delta = { type: "text_delta", text: turn.say };
    return { start: { type: "text", text: "" }, delta, reason: "end_turn" };
  }
  const start = { type: "tool_use", id: `toolu_${nth}`, name: turn.call, input: {} };
  const delta = { type: "input_json_delta", partial_json: JSON.stringify(turn.given) };
  return { start, delta, reason: "tool_use" };
}
