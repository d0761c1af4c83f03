import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { type Bunker, isRelay } from "./bunker.ts";
import type { SecretKey } from "./keys.ts";
import { ensurePrivateFolder, writePrivateFile } from "./private-file.ts";

/**
 * A connection with a remote signer on disk. Its client key lets us ask, not sign; the secret of the
 * address is used up and not kept.
 */
const connectionShape = z.object({
  version: z.literal(1),
  base_url: z.string().min(1),
  npub: z.string(),
  signer: z.string().regex(/^[0-9a-f]{64}$/),
  relays: z.array(z.string().refine(isRelay)).min(1).max(10),
  client_key: z.string().regex(/^[0-9a-f]{64}$/),
});

export interface SignerConnection {
  readonly baseUrl: string;
  /** Whose key the signer signs with. */
  readonly npub: string;
  readonly bunker: Bunker;
  readonly clientKey: SecretKey;
}

/** The connection in a file; undefined where there is none. Throws where it is malformed. */
export async function readSignerConnection(file: string): Promise<SignerConnection | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(file);
  }
  const read = connectionShape.safeParse(parsed(text));
  // The words of the failure are left out: they may quote the key.
  if (!read.success) throw unreadable(file);
  const { base_url, npub, signer, relays, client_key } = read.data;
  return {
    baseUrl: base_url,
    npub,
    bunker: { pubkey: signer, relays, secret: undefined },
    clientKey: Uint8Array.from(Buffer.from(client_key, "hex")),
  };
}

/** Stores a connection with mode 0600 from its first byte, whole or not at all. */
export async function writeSignerConnection(
  file: string,
  connection: SignerConnection,
): Promise<void> {
  const { baseUrl, npub, bunker, clientKey } = connection;
  await ensurePrivateFolder(dirname(file));
  const stored = {
    version: 1,
    base_url: baseUrl,
    npub,
    signer: bunker.pubkey,
    relays: [...bunker.relays],
    client_key: Buffer.from(clientKey).toString("hex"),
  } satisfies z.input<typeof connectionShape>;
  await writePrivateFile(file, `${JSON.stringify(stored, null, 2)}\n`);
}

/** Forgets a connection. The signer goes on knowing its key until it is removed there. */
export async function removeSignerConnection(file: string): Promise<void> {
  await rm(file, { force: true });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreadable(file: string): LandError {
  return new LandError("unauthorized", `The stored connection ${file} cannot be used.`, {
    state: "Nothing was sent.",
    next: "Run `land login --bunker -` with a new bunker:// address; it replaces the file.",
  });
}
