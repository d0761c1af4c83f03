import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";
import { fitToShow } from "../text/untrusted.ts";

/** One line of a stranger's text that is fit to stand in a sentence, at most `max` bytes long. */
export function plainWords(text: string, max = 500): string {
  // Only what can come through is cleaned, so that a long answer costs no more than a short one.
  const line = oneLine(fitToShow(headBytes(text, max * 4).text));
  const cut = headBytes(line, max);
  return cut.leftOut === 0 ? line : `${cut.text}…`;
}
