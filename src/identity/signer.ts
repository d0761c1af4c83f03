import { type EventTemplate, finalizeEvent, type NostrEvent } from "nostr-tools/pure";
import { npubOf, readKeyFile, type SecretKey } from "./keys.ts";

/** Whoever holds a key and signs with it: a key here, or a remote signer. */
export interface Signer {
  npub(): Promise<string>;
  sign(event: EventTemplate): Promise<NostrEvent>;
}

/** Signs with a key in memory. */
export function signerOf(secret: SecretKey): Signer {
  return signerFrom(async () => secret);
}

/** Signs with the key of a file, which is read when first needed. */
export function signerOfFile(path: string): Signer {
  let secret: Promise<SecretKey> | undefined;
  return signerFrom(() => {
    secret ??= readKeyFile(path);
    return secret;
  });
}

function signerFrom(secret: () => Promise<SecretKey>): Signer {
  return {
    npub: async () => npubOf(await secret()),
    sign: async (event) => {
      const { kind, tags, content, created_at, pubkey, id, sig } = finalizeEvent(
        event,
        await secret(),
      );
      return { kind, tags, content, created_at, pubkey, id, sig };
    },
  };
}
