import {
  AbstractSimplePool,
  type SubCloser,
  type SubscribeManyParams,
} from "nostr-tools/abstract-pool";
import type { Filter } from "nostr-tools/filter";
import { type EventTemplate, finalizeEvent, type NostrEvent, verifyEvent } from "nostr-tools/pure";
import { z } from "zod";
import type { SecretKey } from "./keys.ts";

const maxMessageLength = 256 * 1024;
const text = z.string();
const event = z.object({
  id: text,
  pubkey: text,
  created_at: z.number(),
  kind: z.number(),
  tags: z.array(z.array(text)),
  content: text,
  sig: text,
});

/** What a relay may send that a conversation with a signer has a use for. */
const relayMessage = z.union([
  z.tuple([z.literal("EVENT"), text, event]),
  z.tuple([z.literal("EOSE"), text]),
  z.tuple([z.literal("OK"), text, z.boolean()]).rest(text),
  z.tuple([z.literal("CLOSED"), text, text]),
  z.tuple([z.literal("AUTH"), text]),
]);

export interface RelayPoolOptions {
  /** Answers relays that want to know who is there. */
  readonly clientKey: SecretKey;
  /** An event came that its receiver could not read. */
  readonly onUnreadable: () => void;
  /** The last relay of a subscription is gone; `reasons` are the relays' and sockets' own words. */
  readonly onLost: (reasons: readonly string[]) => void;
}

/**
 * Relays as strangers: what is no message is dropped before the library sees it, a receiver that
 * fails is told instead of ending the process, and nothing of theirs is printed.
 */
export class RelayPool extends AbstractSimplePool {
  readonly #options: RelayPoolOptions;
  #closing = false;

  constructor(options: RelayPoolOptions) {
    super({ verifyEvent, websocketImplementation: carefulSocket, maxWaitForConnection: 10_000 });
    this.#options = options;
  }

  override subscribe(relays: string[], filter: Filter, params: SubscribeManyParams): SubCloser {
    return super.subscribe(relays, filter, {
      ...params,
      onauth: this.#authenticate,
      onevent: (given) => this.#receive(params, given),
      onclose: (reasons) => {
        params.onclose?.(reasons);
        if (!this.#closing) this.#options.onLost(reasons.map(({ reason }) => reason));
      },
    });
  }

  override publish(relays: string[], given: NostrEvent): Promise<string>[] {
    return super.publish(relays, given, { onauth: this.#authenticate });
  }

  /** Leaves all relays; what is under way stays unanswered. */
  override destroy(): void {
    this.#closing = true;
    super.destroy();
  }

  async #receive(params: SubscribeManyParams, given: NostrEvent): Promise<void> {
    try {
      // The library's receivers are asynchronous, although their type does not say so.
      await (params.onevent?.(given) as void | Promise<void>);
    } catch {
      this.#options.onUnreadable();
    }
  }

  readonly #authenticate = async (template: EventTemplate) =>
    finalizeEvent(template, this.#options.clientKey);
}

/** A WebSocket that keeps to itself what is no message of a relay, notices among it. */
const carefulSocket: typeof WebSocket = new Proxy(WebSocket, {
  construct(target, args: ConstructorParameters<typeof WebSocket>) {
    const socket = new target(...args);
    socket.addEventListener("message", (message) => {
      if (!isRelayMessage(message.data)) message.stopImmediatePropagation();
    });
    return socket;
  },
});

function isRelayMessage(data: unknown): boolean {
  if (typeof data !== "string" || data.length > maxMessageLength) return false;
  try {
    return relayMessage.safeParse(JSON.parse(data)).success;
  } catch {
    return false;
  }
}
