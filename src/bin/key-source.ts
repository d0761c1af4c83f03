import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { GivenKey } from "../cli/services.ts";
import { LandError } from "../domain/errors.ts";
import { type Bunker, looksLikeBunker, parseBunker } from "../identity/bunker.ts";
import { parseSecretKey, type SecretKey } from "../identity/keys.ts";

/** Who signs a login: a key that was handed over, or a signer elsewhere that keeps its key. */
export type SigningKey = { readonly secret: SecretKey } | { readonly bunker: Bunker };

/** Longer than any key or address of a signer. */
const maxBytes = 16 * 1024;

/** Reads what a command line named; relative paths begin in `folder`. Throws `bad_argument`, whose words never hold the text. */
export async function readGivenKey(folder: string, given: GivenKey): Promise<SigningKey> {
  const text = "file" in given ? await readText(resolve(folder, given.file)) : given.text;
  if (text.trim() === "") throw empty("file" in given ? given.file : undefined);
  return given.kind === "bunker" ? { bunker: parseBunker(text) } : { secret: parseSecretKey(text) };
}

/** Reads what a person typed or a pipe held, where either kind may come. */
export function readAnyKey(text: string): SigningKey {
  return looksLikeBunker(text) ? { bunker: parseBunker(text) } : { secret: parseSecretKey(text) };
}

/** What is to be known of a file that holds a secret; undefined where it is as it should be. */
export async function noteOnKeyFile(
  folder: string,
  given: GivenKey | undefined,
): Promise<string | undefined> {
  if (given === undefined || !("file" in given)) return undefined;
  // Not opened again: what was a pipe is read out, and would be waited for without end.
  const its = await stat(resolve(folder, given.file)).catch(() => undefined);
  if (its === undefined || !its.isFile() || (its.mode & 0o077) === 0) return undefined;
  return `${given.file} can be read by others; \`chmod 600\` keeps it yours.`;
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readCapped(path);
    if (bytes.length <= maxBytes) return bytes.toString("utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "no such file";
    throw new LandError("bad_argument", `The key file ${path} cannot be read (${code}).`, {
      state: "Nothing was sent.",
      next: "Name a file that holds the key alone, or `-` for standard input.",
      cause,
    });
  }
  throw new LandError("bad_argument", `The key file ${path} is too long for one key.`, {
    state: "Nothing was sent.",
    next: "Name a file that holds the key alone.",
  });
}

/** Also of a pipe, such as a shell's `<(…)`: in order, and in as many pieces as it comes. */
async function readCapped(path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  const file = await open(path);
  try {
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
  } finally {
    await file.close();
  }
  return buffer.subarray(0, length);
}

function empty(file: string | undefined): LandError {
  return new LandError(
    "bad_argument",
    `The ${file === undefined ? "given key" : `key file ${file}`} is empty.`,
    {
      state: "Nothing was sent.",
      next: "Name a file that holds the key alone, or `-` for standard input.",
    },
  );
}
