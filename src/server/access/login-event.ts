import { verifyEvent } from "nostr-tools/pure";
import { z } from "zod";
import { prefixes } from "../../contract/paths.ts";
import { whyNoJson } from "../../text/json.ts";
import { AccessError } from "./access-error.ts";

const loginKind = 27235;
/** How far the signer's clock may be from ours. */
const freshSeconds = 60;
/** A login event is a few hundred bytes; signatures of more are not worth checking. */
const maxEventLength = 16 * 1024;

const eventShape = z.object({
  id: z.string(),
  pubkey: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: z.int(),
  kind: z.int(),
  tags: z.array(z.array(z.string())),
  content: z.string(),
  sig: z.string(),
});

/** What a good login event proves: that `pubkey` signed `challenge` for this forge, just now. */
export interface Login {
  readonly pubkey: string;
  readonly challenge: string;
}

/**
 * Checks all of a login event that can be checked without the store, in the contract's order.
 * `bases` are the URLs this forge is reached at, without a trailing slash. Throws AccessError 401.
 */
export function readLoginEvent(text: string, bases: readonly string[], now: Date): Login {
  const event = parseEvent(text);
  if (!verifyEvent(event)) throw refused("invalid signature: it does not fit the event");
  if (event.kind !== loginKind) {
    throw refused(`expected kind ${loginKind}, got ${event.kind}`);
  }
  const url = onlyTag(event.tags, "u");
  if (!isVerifyUrl(url, bases)) {
    throw refused(
      `the u tag names another place; expected ${bases[0] ?? ""}${prefixes[0]}/auth/verify`,
    );
  }
  if (onlyTag(event.tags, "method") !== "POST") throw refused("the method tag must be POST");
  if (Math.abs(now.getTime() / 1000 - event.created_at) > freshSeconds) {
    throw refused(`created_at must be within ${freshSeconds} seconds of the forge's clock`);
  }
  return { pubkey: event.pubkey, challenge: event.content };
}

function parseEvent(text: string): z.infer<typeof eventShape> {
  if (text.length > maxEventLength) throw refused("invalid event JSON: it is too long");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw refused(`invalid event JSON: ${whyNoJson(error)}`);
  }
  const event = eventShape.safeParse(parsed);
  if (event.success) return event.data;
  const issue = event.error.issues[0];
  const told = [issue?.path.join(".") ?? "", issue?.message ?? ""].filter((part) => part !== "");
  throw refused(`invalid event JSON: ${told.join(" ")}`);
}

function onlyTag(tags: readonly (readonly string[])[], name: string): string {
  const found = tags.filter((tag) => tag[0] === name);
  const value = found[0]?.[1];
  if (found.length !== 1 || value === undefined) {
    throw refused(`expected exactly one ${name} tag, got ${found.length}`);
  }
  return value;
}

/** Same scheme, host and port as one of our bases, and the path of either verify endpoint. */
function isVerifyUrl(given: string, bases: readonly string[]): boolean {
  const url = parseUrl(given);
  if (url === undefined || url.username || url.password || url.search || url.hash) return false;
  return bases.some((base) => {
    const own = parseUrl(base);
    if (own === undefined || own.origin !== url.origin) return false;
    // Behind a proxy that serves us below a path, clients spell the URL with and without it.
    const folders = new Set(["", own.pathname.replace(/\/+$/, "")]);
    return prefixes.some((prefix) =>
      [...folders].some((folder) => url.pathname === `${folder}${prefix}/auth/verify`),
    );
  });
}

function parseUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
}

function refused(message: string): AccessError {
  return new AccessError(401, message);
}
