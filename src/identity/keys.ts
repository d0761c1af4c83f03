import { readFile } from "node:fs/promises";
import { decode, npubEncode, nsecEncode } from "nostr-tools/nip19";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { LandError } from "../domain/errors.ts";
import { createPrivateFile } from "./private-file.ts";

/** A Nostr secret key: 32 bytes. Never printed, logged or put into an error. */
export type SecretKey = Uint8Array;

/** A new random key. */
export function newSecretKey(): SecretKey {
  return generateSecretKey();
}

/** The public name of a key, `npub1…`. */
export function npubOf(secret: SecretKey): string {
  return npubEncode(getPublicKey(secret));
}

/** Reads `nsec1…` or 64 hex digits. Throws `bad_argument`, whose words never hold the text. */
export function parseSecretKey(text: string): SecretKey {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return usable(Uint8Array.from(Buffer.from(trimmed, "hex")));
  try {
    const decoded = decode(trimmed.toLowerCase());
    if (decoded.type === "nsec") return usable(decoded.data);
  } catch {
    // Told below, without what the decoder quotes of the text.
  }
  throw notAKey();
}

/** A key out of a file that holds nothing else. */
export async function readKeyFile(path: string): Promise<SecretKey> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new LandError("forbidden", `The key file ${path} cannot be read (${code}).`, {
      state: "Nothing was sent.",
      next:
        code === "ENOENT"
          ? "Run `land init` in the repository, which makes missing keys."
          : "Check who owns the file; it should be yours alone, with mode 0600.",
      cause: error,
    });
  }
  try {
    return parseSecretKey(text);
  } catch {
    throw new LandError("forbidden", `The key file ${path} holds no valid key.`, {
      next: "Restore the file, or remove it and run `land init` to make a new key.",
    });
  }
}

/**
 * The npub of the key in a file that is made, with mode 0600 from its first byte, where there is
 * none. Many at once get the same key.
 */
export async function ensureKeyFile(path: string): Promise<{ npub: string; created: boolean }> {
  const secret = newSecretKey();
  const created = await createPrivateFile(path, `${nsecEncode(secret)}\n`);
  return { npub: npubOf(created ? secret : await readKeyFile(path)), created };
}

function usable(secret: SecretKey): SecretKey {
  try {
    getPublicKey(secret);
    return secret;
  } catch {
    throw notAKey();
  }
}

function notAKey(): LandError {
  return new LandError("bad_argument", "That is not a Nostr secret key.", {
    next: "Give a key of the form nsec1… or 64 hex digits.",
  });
}
