import { z } from "zod";
import { type Dialect, events, mockKey, stringsIn, type Turn } from "./dialect.ts";

const part = z.looseObject({
  functionCall: z.looseObject({ name: z.string() }).optional(),
  functionResponse: z.looseObject({ name: z.string() }).optional(),
});
const content = z.looseObject({ parts: z.array(part) });
const declarations = z.looseObject({
  functionDeclarations: z.array(z.looseObject({ name: z.string() })).default([]),
});
const request = z.looseObject({
  contents: z.array(content).min(1),
  systemInstruction: content.optional(),
  tools: z.array(declarations).default([]),
});

/** Gemini's generateContent, streamed or not. */
export const gemini: Dialect = {
  name: "gemini",
  path: /^\/v1beta\/models\/[^/:]+:(streamGenerateContent|generateContent)$/,
  read({ headers, body }) {
    if (headers["x-goog-api-key"] !== mockKey) throw new Error("no x-goog-api-key");
    const { contents, systemInstruction, tools } = request.parse(body);
    const parts = contents.flatMap((one) => one.parts);
    const called = parts.flatMap(({ functionCall }) => functionCall?.name ?? []);
    const results = parts.flatMap(({ functionResponse }) => functionResponse ?? []);
    const strange = results.find(({ name }) => !called.includes(name));
    if (strange !== undefined) throw new Error("a functionResponse without its functionCall");
    return {
      dialect: "gemini",
      text: stringsIn([systemInstruction, parts]).join("\n"),
      tools: tools.flatMap((tool) => tool.functionDeclarations.map(({ name }) => name)),
      results: results.map(({ response }) => stringsIn(response).join("\n")),
    };
  },
  answer(turn, { path }) {
    const candidate = { content: { role: "model", parts: [partOf(turn)] }, finishReason: "STOP" };
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 1, totalTokenCount: 11 };
    const answer = { candidates: [{ ...candidate, index: 0 }], usageMetadata };
    if (path.endsWith(":streamGenerateContent")) return events([answer]);
    return { type: "application/json", body: JSON.stringify(answer) };
  },
};

function partOf(turn: Turn) {
  if ("say" in turn) return { text: turn.say };
  return { functionCall: { name: turn.call, args: turn.given } };
}
