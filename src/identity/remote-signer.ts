import { npubEncode } from "nostr-tools/nip19";
import { BunkerSigner } from "nostr-tools/nip46";
import { type EventTemplate, type NostrEvent, verifyEvent } from "nostr-tools/pure";
import { z } from "zod";
import { isLandError, LandError } from "../domain/errors.ts";
import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";
import { type Bunker, relayHosts } from "./bunker.ts";
import type { SecretKey } from "./keys.ts";
import { loginKind } from "./login-event.ts";
import { RelayPool } from "./relay-pool.ts";
import type { Signer } from "./signer.ts";

/** How a remote signer is talked to. */
export interface RemoteSignerOptions {
  readonly bunker: Bunker;
  /** Our own key of the conversation, which the signer knows us by. */
  readonly clientKey: SecretKey;
  /** Whether the signer knows our key from before, so that nothing is to be introduced. */
  readonly known: boolean;
  /** The signer wants a person to open a page first. The text is plain, the address http(s). */
  readonly onPage: (url: string) => void;
  /** Longest wait for one answer. Default: 60 s; after a page was named, five minutes. */
  readonly answerMs?: number | undefined;
  readonly pageMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const usualAnswerMs = 60_000;
const usualPageMs = 5 * 60_000;
const maxWords = 300;

const signedShape = z.object({
  kind: z.number(),
  tags: z.array(z.array(z.string())),
  content: z.string(),
  created_at: z.number(),
  pubkey: z.string(),
  id: z.string(),
  sig: z.string(),
});

/**
 * Lets `work` sign with a key that somebody else holds (NIP-46), and leaves the relays whatever
 * happened. Throws LandError: `forge_unreachable` where no relay can be reached, `timed_out`,
 * `cancelled`, `forbidden` where the signer refuses, `unauthorized` where its answer cannot be used.
 */
export async function withRemoteSigner<T>(
  options: RemoteSignerOptions,
  work: (signer: Signer) => Promise<T>,
): Promise<T> {
  const conversation = new Conversation(options);
  try {
    if (!options.known) await conversation.introduce();
    return await work(conversation);
  } finally {
    conversation.end();
  }
}

class Conversation implements Signer {
  readonly #options: RemoteSignerOptions;
  readonly #pool: RelayPool;
  readonly #remote: BunkerSigner;
  /** What ends the request that is under way, if any. */
  #give: ((error: LandError) => void) | undefined;
  #extend: (() => void) | undefined;
  #pubkey: string | undefined;

  constructor(options: RemoteSignerOptions) {
    this.#options = options;
    this.#pool = new RelayPool({
      clientKey: options.clientKey,
      onUnreadable: () => this.#give?.(unusable("sent an answer that cannot be read")),
      onLost: (reasons) => this.#give?.(this.#unreachable(reasons)),
    });
    const { pubkey, relays, secret } = options.bunker;
    this.#remote = BunkerSigner.fromBunker(
      options.clientKey,
      { pubkey, relays: [...relays], secret: secret ?? null },
      { pool: this.#pool, onauth: (url) => this.#page(url) },
    );
  }

  async introduce(): Promise<void> {
    const { pubkey, secret } = this.#options.bunker;
    const answer = await this.#ask("connect", [pubkey, secret ?? "", `sign_event:${loginKind}`]);
    if (answer !== "ack" && answer !== secret) {
      throw unusable("did not answer to the secret of its address");
    }
  }

  async npub(): Promise<string> {
    return npubEncode(await this.#publicKey());
  }

  async sign(template: EventTemplate): Promise<NostrEvent> {
    const pubkey = await this.#publicKey();
    const answer = await this.#ask("sign_event", [JSON.stringify(template)]);
    const signed = readSigned(answer);
    if (signed === undefined || !verifyEvent({ ...signed })) {
      throw unusable("returned no properly signed event");
    }
    const changed = changesOf(template, signed);
    if (changed.length > 0) throw unusable(`changed the event's ${changed.join(", ")}`);
    if (signed.pubkey !== pubkey) throw unusable("signed with another key than the one it named");
    return signed;
  }

  end(): void {
    this.#pool.destroy();
  }

  async #publicKey(): Promise<string> {
    if (this.#pubkey !== undefined) return this.#pubkey;
    const answer = await this.#ask("get_public_key", []);
    if (!/^[0-9a-f]{64}$/.test(answer)) throw unusable("named no public key");
    this.#pubkey = answer;
    return answer;
  }

  /** One request and its answer; ended by deadline, cancel, or the loss of all relays. */
  async #ask(method: string, params: string[]): Promise<string> {
    const { signal, answerMs = usualAnswerMs, pageMs = usualPageMs } = this.#options;
    if (signal?.aborted === true) throw cancelled();
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        const within = (ms: number) => {
          clearTimeout(timer);
          timer = setTimeout(() => reject(tooLate(method, ms)), ms);
        };
        within(answerMs);
        stop = () => reject(cancelled());
        signal?.addEventListener("abort", stop, { once: true });
        this.#give = reject;
        this.#extend = () => within(pageMs);
        this.#remote.sendRequest(method, params).then(resolve, (why) => reject(this.#errorOf(why)));
      });
    } finally {
      clearTimeout(timer);
      if (stop !== undefined) signal?.removeEventListener("abort", stop);
      this.#give = undefined;
      this.#extend = undefined;
    }
  }

  #page(given: unknown): void {
    const url = typeof given === "string" && URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      this.#give?.(unusable("asks to open a page, and names none"));
      return;
    }
    this.#extend?.();
    this.#options.onPage(words(url.href, 2000));
  }

  /** A signer's refusal is a string; anything else means that nothing could be sent. */
  #errorOf(why: unknown): LandError {
    if (isLandError(why)) return why;
    if (typeof why === "string") return refused(why);
    const reasons = why instanceof AggregateError ? why.errors : [why];
    return this.#unreachable(
      reasons.map((one) => (one instanceof Error ? one.message : String(one))),
    );
  }

  #unreachable(reasons: readonly string[]): LandError {
    const { bunker, known } = this.#options;
    const said = [...new Set(reasons.map((reason) => words(reason, maxWords)))].join("; ");
    return new LandError(
      "forge_unreachable",
      `No relay of the remote signer (${relayHosts(bunker.relays)}) can be used: ${said}.`,
      {
        state: nothingDone,
        next: known
          ? "Check the network, then run `land login` again; with a new bunker:// address if the signer moved."
          : "Check the network and the bunker:// address, then run `land login` again.",
      },
    );
  }
}

function readSigned(answer: string): NostrEvent | undefined {
  try {
    return signedShape.safeParse(JSON.parse(answer)).data;
  } catch {
    return undefined;
  }
}

function changesOf(asked: EventTemplate, signed: NostrEvent): string[] {
  const parts = ["kind", "content", "created_at", "tags"] as const;
  return parts.filter((part) => JSON.stringify(asked[part]) !== JSON.stringify(signed[part]));
}

const nothingDone = "No login was made.";

function refused(why: string): LandError {
  return new LandError("forbidden", `The remote signer refused: ${words(why, maxWords)}`, {
    state: nothingDone,
    next: "Allow it in the signer, then run `land login` again; a used or old bunker:// address must be made anew there.",
  });
}

function unusable(what: string): LandError {
  return new LandError("unauthorized", `The remote signer ${what}.`, {
    state: nothingDone,
    next: "Check that the bunker:// address is that signer's own, make a new one there, and run `land login` again.",
  });
}

function tooLate(method: string, ms: number): LandError {
  const seconds = Math.ceil(ms / 1000);
  return new LandError(
    "timed_out",
    `The remote signer did not answer ${method} within ${seconds} s.`,
    {
      state: nothingDone,
      next: "See that the signer is online and allow the request there, then run `land login` again.",
    },
  );
}

function cancelled(): LandError {
  return new LandError("cancelled", "The login was cancelled.", { state: nothingDone });
}

function words(text: string, max: number): string {
  return oneLine(headBytes(text, max).text);
}
