import { readFile } from "node:fs/promises";
import { decode, npubEncode, nsecEncode } from "nostr-tools/nip19";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { LandError } from "../domain/errors.ts";
import { wrongKindOf } from "./key-kinds.ts";
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

/**
 * Reads `nsec1…` or 64 hex digits. Throws `bad_argument`, which says what the text is instead and
 * never holds any of it.
 */
export function parseSecretKey(text: string): SecretKey {
  const trimmed = text.trim();
  const secret = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Uint8Array.from(Buffer.from(trimmed, "hex"))
    : secretOfNsec(trimmed);
  if (secret !== undefined && isUsable(secret)) return secret;
  throw notAKey(trimmed);
}

/** The npub of `npub1…` or 64 hex digits of a public key; undefined for anything else. */
export function parsePublicKey(text: string): string | undefined {
  const trimmed = text.trim().toLowerCase();
  try {
    if (/^[0-9a-f]{64}$/.test(trimmed)) return npubEncode(trimmed);
    const decoded = decode(trimmed);
    return decoded.type === "npub" ? npubEncode(decoded.data) : undefined;
  } catch {
    return undefined;
  }
}

function secretOfNsec(text: string): SecretKey | undefined {
  try {
    const decoded = decode(text.toLowerCase());
    return decoded.type === "nsec" ? decoded.data : undefined;
  } catch {
    // The decoder's words quote the text.
    return undefined;
  }
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

function isUsable(secret: SecretKey): boolean {
  try {
    getPublicKey(secret);
    return true;
  } catch {
    return false;
  }
}

function notAKey(text: string): LandError {
  const kind = wrongKindOf(text);
  const what =
    kind === undefined
      ? "That is not a Nostr secret key."
      : `That is ${kind}, not a Nostr secret key.`;
  return new LandError("bad_argument", what, {
    state: "Nothing was sent.",
    next: nextFor(kind ?? ""),
  });
}

function nextFor(kind: string): string {
  if (kind.includes("bunker://")) return "Give it with `--bunker`: `land login --bunker -`.";
  if (kind.includes("ncryptsec")) {
    return "Decrypt it first, or leave it with a remote signer: `land login --bunker -`.";
  }
  return "Give a key of the form nsec1… or 64 hex digits, or a remote signer with `--bunker`.";
}
