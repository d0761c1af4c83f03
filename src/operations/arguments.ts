import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";

/** Arguments that several operations take. Descriptions travel with each tool: keep them short. */

const shortText = (max: number) =>
  z
    .string("must be text")
    .refine((text) => text.trim() !== "", "must not be blank")
    .refine((text) => text.length <= max, `must have at most ${max} characters`)
    .refine((text) => !text.includes("\0"), "must not contain a NUL character");

const worktree = shortText(4096).optional().describe("Repository path");

export const branch = shortText(1000).optional().describe("Name or number; default: checked out");

export const target = shortText(1000).optional();

export const head = z
  .string("must be text")
  .refine((text) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text), "must be a full commit id in hex")
  .optional();

export const text = shortText;

export const yesOrNo = z.boolean("must be true or false").optional();

export const whole = (min: number, max: number) =>
  z
    .int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
    .optional();

export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, `must be one of ${words.join(", ")}`);

export const maxSeconds = whole(0, 3600).describe("Longest wait");

/** The input of an operation: the given arguments and `worktree`, and no others. */
export function input<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject({ worktree, ...shape });
}

/** Reads arguments from outside. Throws `bad_argument` that names each wrong one. */
export function readArguments<Input extends z.ZodObject>(
  schema: Input,
  given: unknown,
): z.output<Input> {
  const read = schema.safeParse(given ?? {});
  if (read.success) return read.data;
  const known = Object.keys(schema.shape);
  const wrong = read.error.issues.slice(0, 8).map((issue) => wordsFor(issue));
  throw new LandError("bad_argument", `Bad arguments. ${wrong.join(" ")}`, {
    state: "Nothing was done.",
    next: `Call again with these corrected. Known arguments: ${known.join(", ")}.`,
  });
}

function wordsFor(issue: z.core.$ZodIssue): string {
  const name = (path: readonly PropertyKey[]) =>
    path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${shown(String(part))}`))
      .join("")
      .replace(/^\./, "");
  if (issue.code === "unrecognized_keys") {
    return `There is no argument ${issue.keys.map((key) => `\`${shown(key)}\``).join(", ")}.`;
  }
  if (issue.path.length === 0) return "The arguments must be an object.";
  return `\`${name(issue.path)}\` ${lowerFirst(issue.message)}.`;
}

const shown = (text: string) => headBytes(oneLine(text), 60).text;
const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
