import { decode, npubEncode } from "nostr-tools/nip19";
import { RefusedError } from "../refused.ts";

/**
 * The npub of a public key given as npub or as 64 hex digits. Throws RefusedError 400, which never
 * repeats what was given: it may be a private key that went to the wrong place.
 */
export function readPublicKey(given: string): string {
  const text = given.trim().toLowerCase();
  if (/^[0-9a-f]{64}$/.test(text)) return npubEncode(text);
  if (text.startsWith("npub1") && decodes(text)) return text;
  throw new RefusedError(
    400,
    "invalid nostr public key: give an npub, or the same key as 64 hex digits",
  );
}

function decodes(npub: string): boolean {
  try {
    return decode(npub).type === "npub";
  } catch {
    return false;
  }
}
