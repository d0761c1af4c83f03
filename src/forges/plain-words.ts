import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";
import { fitToShow } from "../text/untrusted.ts";

/**
 * One line of a stranger's text that is fit to stand in a sentence, at most `max` bytes long.
 * `secrets`: what the stranger was told and must not be shown again.
 */
export function plainWords(text: string, max = 500, secrets: readonly string[] = []): string {
  // Only what can come through is cleaned, so that a long answer costs no more than a short one.
  const line = oneLine(fitToShow(headBytes(text, max * 4).text, secrets));
  const cut = headBytes(line, max);
  return cut.leftOut === 0 ? line : `${cut.text}…`;
}
