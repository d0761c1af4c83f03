import { createHash, randomBytes } from "node:crypto";
import { npubEncode } from "nostr-tools/nip19";
import type { ChallengeAnswer, MeAnswer, VerifyAnswer } from "../../contract/auth.ts";
import type { ServerConfig } from "../config.ts";
import type { Clock, Store } from "../store/store.ts";
import { AccessError } from "./access-error.ts";
import { anyKeyActive } from "./keys.ts";
import { readLoginEvent } from "./login-event.ts";
import { type Rights, rightsOf, rightsOnWire } from "./rights.ts";

const challengeMs = 120_000;
const tokenMs = 90 * 24 * 60 * 60 * 1000;
/** Challenges that may wait at once; far more than honest clients need. */
const usualMaxOpen = 1000;

/** Who asks, with the rights that the key has at this moment. */
export interface Caller {
  readonly npub: string;
  readonly rights: Rights;
  readonly tokenHash: string;
}

/** Login, tokens and rights. Secrets reach the store as hashes only. */
export class Access {
  readonly #store: Store;
  readonly #config: ServerConfig;
  readonly #clock: Clock;
  readonly #bases: () => readonly string[];
  /** Hashes of the challenges that this process gave out and that wait, oldest first. */
  readonly #open = new Set<string>();
  readonly #maxOpen: number;

  constructor(parts: {
    store: Store;
    config: ServerConfig;
    clock: Clock;
    /** URLs this forge is reached at. */
    bases: () => readonly string[];
    /** Challenges that may wait at once. */
    maxOpen?: number;
  }) {
    this.#store = parts.store;
    this.#config = parts.config;
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

  /** Turns a signed login event into a token. Throws AccessError. */
  verify(eventText: string): VerifyAnswer {
    this.#requireKeys();
    const now = this.#clock.now();
    const login = readLoginEvent(eventText, this.#bases(), now);
    const npub = npubEncode(login.pubkey);
    const token = randomBytes(32).toString("hex");
    const challenge = sha256(login.challenge);
    // It is used up even where the key turns out to have no rights.
    const rights = this.#store.write((tx) => {
      if (!tx.takeChallenge(challenge, now.toISOString())) return undefined;
      const granted = rightsOf(tx.key(npub));
      if (granted.read) {
        const expires = new Date(now.getTime() + tokenMs).toISOString();
        tx.addToken(sha256(token), npub, expires);
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
    const npub = this.#store.read.tokenOwner(tokenHash, this.#clock.now().toISOString());
    if (npub === undefined) throw new AccessError(401, "invalid or expired token");
    return { npub, rights: rightsOf(this.#store.read.key(npub)), tokenHash };
  }

  /** Whether a caller who was let in may still read; asked again while a stream is open. */
  mayStillRead(caller: Caller): boolean {
    const now = this.#clock.now().toISOString();
    const npub = this.#store.read.tokenOwner(caller.tokenHash, now);
    return npub !== undefined && rightsOf(this.#store.read.key(npub)).read;
  }

  me(caller: Caller): MeAnswer {
    return rightsOnWire(caller.npub, caller.rights);
  }

  logout(caller: Caller): void {
    this.#store.write((tx) => tx.removeToken(caller.tokenHash));
  }

  #requireKeys(): void {
    if (!anyKeyActive(this.#store, this.#config)) throw new AccessError(403, "auth not enabled");
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
