import { createHash, randomBytes } from "node:crypto";
import { npubEncode } from "nostr-tools/nip19";
import type { ChallengeAnswer, MeAnswer, VerifyAnswer } from "../../contract/auth.ts";
import type { TokenRecord } from "../store/records.ts";
import type { Clock, Store } from "../store/store.ts";
import { AccessError } from "./access-error.ts";
import { readLoginEvent } from "./login-event.ts";
import { type Caller, rightsOf, rightsOnWire } from "./rights.ts";
import { tokenId } from "./tokens.ts";

const challengeMs = 120_000;
const tokenMs = 90 * 24 * 60 * 60 * 1000;
/** How exactly it is noted when a token was used last. */
const usedMs = 10 * 60 * 1000;
/** Challenges that may wait at once; far more than honest clients need. */
const usualMaxOpen = 1000;

export type { Caller };

/** Login, tokens and rights. Secrets reach the store as hashes only. */
export class Access {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #bases: (host: string) => readonly string[];
  /** Hashes of the challenges that this process gave out and that wait, oldest first. */
  readonly #open = new Set<string>();
  readonly #maxOpen: number;

  constructor(parts: {
    store: Store;
    clock: Clock;
    /** URLs this forge is reached at, as far as they count for a request with this `Host`. */
    bases: (host: string) => readonly string[];
    /** Challenges that may wait at once. */
    maxOpen?: number;
  }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#bases = parts.bases;
    this.#maxOpen = parts.maxOpen ?? usualMaxOpen;
  }

  /**
   * A new challenge: 16 random bytes in hex, good once and for two minutes. Where too many wait the
   * oldest is dropped, so that a flood cannot keep anybody out for longer than it lasts.
   */
  challenge(): ChallengeAnswer {
    this.#requireKeys();
    const now = this.#clock.now();
    const challenge = randomBytes(16).toString("hex");
    const hash = sha256(challenge);
    const [oldest] = this.#open;
    const dropped = this.#open.size >= this.#maxOpen ? oldest : undefined;
    this.#store.write((tx) => {
      if (dropped !== undefined) tx.takeChallenge(dropped, now.toISOString());
      tx.addChallenge(hash, new Date(now.getTime() + challengeMs).toISOString());
    });
    if (dropped !== undefined) this.#open.delete(dropped);
    this.#open.add(hash);
    return { challenge };
  }

  /** Turns a signed login event, sent to this `Host`, into a token. Throws AccessError. */
  verify(eventText: string, host = ""): VerifyAnswer {
    this.#requireKeys();
    const now = this.#clock.now();
    const login = readLoginEvent(eventText, this.#bases(host), now);
    const npub = npubEncode(login.pubkey);
    const token = randomBytes(32).toString("hex");
    const challenge = sha256(login.challenge);
    // It is used up even where the key turns out to have no rights.
    const rights = this.#store.write((tx) => {
      if (!tx.takeChallenge(challenge, now.toISOString())) return undefined;
      const granted = rightsOf(tx.key(npub));
      if (granted.read) {
        const expires = new Date(now.getTime() + tokenMs).toISOString();
        const hash = sha256(token);
        tx.addToken(hash, npub, expires);
        tx.addAudit({ npub, action: "login", subject: tokenId(hash) });
      }
      return granted;
    });
    this.#open.delete(challenge);
    if (rights === undefined) {
      throw new AccessError(401, "challenge nonce not found or expired");
    }
    if (!rights.read) throw new AccessError(401, "pubkey not authorized");
    return { token, npub, is_admin: rights.admin, can_forge_write: rights.write };
  }

  /** The caller behind an `Authorization` header. Throws AccessError 401. */
  caller(header: string | undefined): Caller {
    if (header === undefined || !header.startsWith("Bearer ")) {
      throw new AccessError(401, "missing auth token");
    }
    const tokenHash = sha256(header.slice("Bearer ".length));
    const now = this.#clock.now();
    const token = this.#store.read.token(tokenHash, now.toISOString());
    if (token === undefined) throw new AccessError(401, "invalid or expired token");
    this.#markUsed(token, now);
    const { npub } = token;
    return { npub, rights: rightsOf(this.#store.read.key(npub)), tokenHash };
  }

  /** Coarsely, so that reading does not mean writing; a store that is busy then is left alone. */
  #markUsed({ hash, lastUsedAt }: TokenRecord, now: Date): void {
    const at = new Date(Math.floor(now.getTime() / usedMs) * usedMs).toISOString();
    if (lastUsedAt !== null && lastUsedAt >= at) return;
    try {
      this.#store.write((tx) => tx.markTokenUsed(hash, at));
    } catch {
      // The next request tries again.
    }
  }

  /** Whether a caller who was let in may still read; asked again while a stream is open. */
  mayStillRead(caller: Caller): boolean {
    const now = this.#clock.now().toISOString();
    const npub = this.#store.read.tokenOwner(caller.tokenHash, now);
    return npub !== undefined && rightsOf(this.#store.read.key(npub)).read;
  }

  me(caller: Caller): MeAnswer {
    const key = this.#store.read.key(caller.npub);
    const { name = null, kind = null } = key ?? {};
    return { ...rightsOnWire(caller.npub, caller.rights), name, kind };
  }

  logout(caller: Caller): void {
    const { npub, tokenHash } = caller;
    this.#store.write((tx) => {
      if (!tx.removeToken(tokenHash)) return;
      tx.addAudit({ npub, action: "logout", subject: tokenId(tokenHash) });
    });
  }

  #requireKeys(): void {
    if (!this.#store.read.anyKeyActive()) throw new AccessError(403, "auth not enabled");
  }
}

/** Throws AccessError unless the caller has the right that a guard asks for. */
export function requireRight(caller: Caller, guard: "reader" | "writer" | "owner"): void {
  const { admin, write, read } = caller.rights;
  if (guard === "owner" && !admin) throw new AccessError(403, "admin access required");
  if (guard === "writer" && !write) {
    throw new AccessError(403, "trusted contributor access required");
  }
  if (guard === "reader" && !read) throw new AccessError(403, "read access revoked");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
