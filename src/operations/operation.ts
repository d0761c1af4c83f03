import type { z } from "zod";
import type { Worktree } from "./worktree.ts";

/** Which faces show an operation. */
export interface Faces {
  /** The MCP tool's name. */
  readonly tool?: string;
  /** The CLI verb. */
  readonly command?: string;
}

/** Hints for clients that ask a person before a call. Leaving one out is a type error. */
export interface Hints {
  readonly readOnly: boolean;
  readonly destructive: boolean;
  readonly idempotent: boolean;
}

/** What a face lends to an operation while it runs. */
export interface OperationContext {
  /** Opens the repository at a path (default: where the face was started). */
  worktree(path: string | undefined): Promise<Worktree>;
  readonly signal: AbortSignal;
  /** Tells whoever watches what goes on now. Cheap; may be called often. */
  progress(message: string): void;
  /** How long a wait lasts unless the caller says otherwise, in seconds. */
  readonly waitSeconds: number;
  /** How long a wait looks away at most, in milliseconds; default: its own. */
  readonly lookEveryMs?: number | undefined;
  /**
   * Asks a person. `no_way` where this face cannot show a question. A `declined` may come from
   * the client itself, so it is no proof that a person said no.
   */
  confirm(question: {
    message: string;
    /** What the person must type for a yes. */
    expected: string;
  }): Promise<"agreed" | "declined" | "no_way">;
}

/** One thing an agent or person may ask for: schema, hints, handler and text, in one object. */
export interface Operation<Input extends z.ZodObject = z.ZodObject, Result = unknown> {
  readonly faces: Faces;
  readonly summary: string;
  readonly input: Input;
  readonly hints: Hints;
  /** What the answer is made of; lives in tests and docs, not on the wire. */
  readonly result: z.ZodType<Result>;
  handle(context: OperationContext, input: z.output<Input>): Promise<Result>;
  /** The same facts as text, for a person or a model that reads text. */
  render(result: Result): string;
  /** True where the answer is text alone, such as a log. */
  readonly textOnly?: boolean;
}

/** Types an operation by its schemas. */
export function defineOperation<Input extends z.ZodObject, Result>(
  operation: Operation<Input, Result>,
): Operation<Input, Result> {
  return operation;
}

/** An operation whose schemas are not known here: what a catalogue holds and a face calls. */
export interface AnyOperation {
  readonly faces: Faces;
  readonly summary: string;
  readonly input: z.ZodObject;
  readonly hints: Hints;
  readonly result: z.ZodType;
  // biome-ignore lint/suspicious/noExplicitAny: the input was read by this operation's own schema
  handle(context: OperationContext, input: any): Promise<unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: the result is this operation's own
  render(result: any): string;
  readonly textOnly?: boolean;
}
