import { plainText } from "./control.ts";
import { maskSecrets } from "./mask.ts";

/**
 * Text from outside, made fit to show: secrets masked before and after escape sequences are
 * taken out, since either can hide the other.
 */
export function fitToShow(text: string, known: readonly string[] = []): string {
  return maskSecrets(plainText(maskSecrets(text, known)), known);
}
