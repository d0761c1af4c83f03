import { decode, npubEncode, nsecEncode } from "nostr-tools/nip19";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";

/** A key of the forge, as its holder has it. */
export interface TestKey {
  readonly nsec: string;
  readonly npub: string;
}

export function newKey(): TestKey {
  const secret = generateSecretKey();
  return { nsec: nsecEncode(secret), npub: npubEncode(getPublicKey(secret)) };
}

/** The text of a signed login event; `change` makes it a wrong one. */
export function signLogin(
  nsec: string,
  event: { challenge: string; url: string },
  change: { kind?: number; tags?: string[][]; createdAt?: number } = {},
): string {
  const decoded = decode(nsec);
  if (decoded.type !== "nsec") throw new Error("not an nsec");
  const signed = finalizeEvent(
    {
      kind: change.kind ?? 27235,
      content: event.challenge,
      created_at: change.createdAt ?? Math.floor(Date.now() / 1000),
      tags: change.tags ?? [
        ["u", event.url],
        ["method", "POST"],
      ],
    },
    decoded.data,
  );
  return JSON.stringify(signed);
}
