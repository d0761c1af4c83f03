import { z } from "zod";
import { type Dialect, events, mockKey, stringsIn, type Turn } from "./dialect.ts";

const message = z.looseObject({ role: z.string(), content: z.unknown() });
const request = z.looseObject({
  model: z.string().min(1),
  stream: z.literal(true),
  messages: z.array(message).min(1),
  tools: z.array(z.object({ function: z.looseObject({ name: z.string() }) })).default([]),
});

const calls = z.array(z.looseObject({ id: z.string() })).optional();

/** OpenAI's Chat Completions, streamed: what most clients speak to a model of one's own. */
export const completions: Dialect = {
  name: "completions",
  path: /^\/v1\/chat\/completions$/,
  read({ headers, body }) {
    if (headers.authorization !== `Bearer ${mockKey}`) throw new Error("no bearer key");
    const { messages, tools } = request.parse(body);
    const called = messages.flatMap(({ tool_calls }) => calls.parse(tool_calls) ?? []);
    const results = messages.filter(({ role }) => role === "tool");
    const strange = results.find((result) => !called.some(({ id }) => id === result.tool_call_id));
    if (strange !== undefined) throw new Error("a tool's message without its call");
    return {
      dialect: "completions",
      text: stringsIn(messages.map(({ content }) => content)).join("\n"),
      tools: tools.map((tool) => tool.function.name),
      results: results.map(({ content }) => stringsIn(content).join("\n")),
    };
  },
  answer(turn, question) {
    const { model, messages } = request.parse(question.body);
    const chunk = { id: "chatcmpl_mock", object: "chat.completion.chunk", created: 1, model };
    const usage = { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 };
    const { delta, reason } = deltaOf(turn, messages.length);
    return events([
      { ...chunk, choices: [{ index: 0, delta, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: reason }] },
      { ...chunk, choices: [], usage },
      "[DONE]",
    ]);
  },
};

function deltaOf(turn: Turn, nth: number) {
  if ("say" in turn) return { delta: { role: "assistant", content: turn.say }, reason: "stop" };
  const call = { name: turn.call, arguments: JSON.stringify(turn.given) };
  const tool_calls = [{ index: 0, id: `call_${nth}`, type: "function", function: call }];
  return { delta: { role: "assistant", content: null, tool_calls }, reason: "tool_calls" };
}
