import type { IncomingHttpHeaders } from "node:http";

/** What a client asked a model, whatever the wire format. */
export interface Asked {
  readonly dialect: string;
  /** All that the model would read, system and messages, tool definitions apart. */
  readonly text: string;
  /** Names of the tools on offer, `space.name` where a client gives them a name space. */
  readonly tools: readonly string[];
  /** What the tools answered that the model called, oldest first. */
  readonly results: readonly string[];
}

/** What the model answers: words, or one call of a tool on offer. */
export type Turn = { readonly say: string } | { readonly call: string; readonly given: object };

export interface Answer {
  readonly type: "text/event-stream" | "application/json";
  readonly body: string;
}

export interface Question {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** One wire format. */
export interface Dialect {
  readonly name: string;
  /** Paths at which it is spoken. */
  readonly path: RegExp;
  /** Throws where a real model would refuse the question. */
  read(question: Question): Asked;
  answer(turn: Turn, question: Question): Answer;
}

/** The key that every client under test is given; no real one. */
export const mockKey = "mock-model-key";

/** Server-sent events; an object that has a `type` is named by it. */
export function events(sent: readonly (object | string)[]): Answer {
  const lines = sent.map((event) => {
    if (typeof event === "string") return `data: ${event}\n\n`;
    const name = "type" in event ? `event: ${event.type}\n` : "";
    return `${name}data: ${JSON.stringify(event)}\n\n`;
  });
  return { type: "text/event-stream", body: lines.join("") };
}

/** Every string in it, in order: how the text of nested content is read. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(stringsIn);
}
