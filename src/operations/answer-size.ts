import { capText } from "../text/bytes.ts";
import { shrinkJson } from "../text/json.ts";

/**
 * Most bytes of an answer that nobody asked to be longer: its structured half and its text half
 * have half of it each. Operations keep within by themselves; this is the net below.
 */
const answerBytes = 12_000;
const halfBytes = answerBytes / 2 - 100;

export function capAnswer(answer: { result: unknown; text: string }): {
  result: unknown;
  text: string;
} {
  return { result: shrinkJson(answer.result, halfBytes), text: capText(answer.text, halfBytes) };
}
