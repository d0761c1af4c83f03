import { LandError } from "../domain/errors.ts";

/** Where a remote signer listens (NIP-46): its own key, its relays, and the secret of a first visit. */
export interface Bunker {
  /** The signer's key for this conversation, 64 hex digits; not the key that it signs with. */
  readonly pubkey: string;
  /** Addresses of relays, `wss://…` or `ws://…`. */
  readonly relays: readonly string[];
  /** Good once; undefined for a connection that was made before. */
  readonly secret: string | undefined;
}

const maxRelays = 10;

/** Reads `bunker://…`. Throws `bad_argument`, whose words hold nothing of the address. Pure. */
export function parseBunker(text: string): Bunker {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url?.protocol !== "bunker:") throw notABunker(otherThanBunker(text));
  const pubkey = url.hostname.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(pubkey)) throw notABunker("it names no signer (64 hex digits)");
  const relays = [...new Set(url.searchParams.getAll("relay"))];
  if (relays.length === 0) throw notABunker("it names no relay");
  if (relays.length > maxRelays) throw notABunker(`it names more than ${maxRelays} relays`);
  if (!relays.every(isRelay)) throw notABunker("one of its relays is no ws:// or wss:// address");
  const secret = url.searchParams.get("secret")?.trim();
  return { pubkey, relays, secret: secret === undefined || secret === "" ? undefined : secret };
}

/** Whether a text means to be the address of a remote signer. */
export function looksLikeBunker(text: string): boolean {
  return /^\s*bunker:/i.test(text);
}

/** The relays by their hosts alone, for the words of an error. */
export function relayHosts(relays: readonly string[]): string {
  return relays.map((relay) => new URL(relay).host).join(", ");
}

export function isRelay(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isSocket = protocol === "wss:" || protocol === "ws:";
  return isSocket && hostname !== "" && username === "" && password === "";
}

function otherThanBunker(text: string): string {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === "") return "nothing was given";
  if (trimmed.startsWith("nostrconnect:")) return "nostrconnect:// is a client's, not a signer's";
  if (/^(nsec1|[0-9a-f]{64}$)/.test(trimmed)) return "that is a key itself";
  if (/^[^\s@]+@[^\s@]+$/.test(trimmed)) return "a name (name@domain) is not looked up";
  return "it does not begin with bunker://";
}

function notABunker(why: string): LandError {
  return new LandError("bad_argument", `That is not the address of a remote signer: ${why}.`, {
    state: "Nothing was sent.",
    next: "Copy it from the signer: bunker://<its key>?relay=wss://…&secret=…",
  });
}
