import { randomBytes } from "node:crypto";
import { type NostrEvent, verifyEvent } from "nostr-tools/pure";
import { z } from "zod";
import { type SocketClient, type SocketServer, serveSockets } from "./web-socket-server.ts";

const filterShape = z.strictObject({
  kinds: z.array(z.int()),
  authors: z.array(z.string().regex(/^[0-9a-f]{64}$/)).optional(),
  "#p": z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  since: z.int().optional(),
  limit: z.int().optional(),
});
type RelayFilter = z.infer<typeof filterShape>;

export interface RelayFaults {
  /** Wants a NIP-42 login of those who come from now on. */
  auth?: boolean;
  /** Takes no event, with these words. */
  refuse?: string;
  /** Sent to each client as it comes. */
  greeting?: readonly string[];
  /** Takes connections and answers nothing. */
  deaf?: boolean;
}

export interface Relay extends SocketServer {
  /** Every event that it took. */
  readonly taken: NostrEvent[];
  faults: RelayFaults;
}

/** A relay after NIP-01 that keeps nothing: it passes events on to those who listen at the moment. */
export async function startRelay(faults: RelayFaults = {}): Promise<Relay> {
  const subscriptions = new Map<SocketClient, Map<string, RelayFilter>>();
  const challenges = new Map<SocketClient, string>();
  const known = new Set<SocketClient>();
  const taken: NostrEvent[] = [];
  const say = (client: SocketClient, ...message: unknown[]) => client.send(JSON.stringify(message));

  const pass = (event: NostrEvent) => {
    for (const [client, filters] of subscriptions) {
      for (const [id, filter] of filters) if (fits(filter, event)) say(client, "EVENT", id, event);
    }
  };

  const server = await serveSockets(
    (client, text) => {
      if (relay.faults.deaf === true) return;
      const [word, ...rest] = JSON.parse(text) as [string, ...unknown[]];
      const isStranger = challenges.has(client) && !known.has(client);
      if (word === "AUTH") {
        const event = rest[0] as NostrEvent;
        const challenge = event.tags.find(([name]) => name === "challenge")?.[1];
        const good =
          event.kind === 22242 && verifyEvent(event) && challenge === challenges.get(client);
        if (good) known.add(client);
        say(client, "OK", event.id, good, good ? "" : "restricted: wrong login");
      } else if (word === "REQ") {
        const id = String(rest[0]);
        if (isStranger) return say(client, "CLOSED", id, "auth-required: who is there?");
        const filter = filterShape.parse(rest[1]);
        const own = subscriptions.get(client) ?? new Map<string, RelayFilter>();
        subscriptions.set(client, own.set(id, filter));
        say(client, "EOSE", id);
      } else if (word === "CLOSE") {
        subscriptions.get(client)?.delete(String(rest[0]));
      } else if (word === "EVENT") {
        const event = rest[0] as NostrEvent;
        const { refuse } = relay.faults;
        if (isStranger) return say(client, "OK", event.id, false, "auth-required: who is there?");
        if (!verifyEvent(event)) return say(client, "OK", event.id, false, "invalid: signature");
        if (refuse !== undefined) return say(client, "OK", event.id, false, refuse);
        taken.push(event);
        say(client, "OK", event.id, true, "");
        pass(event);
      }
    },
    (client) => {
      for (const text of relay.faults.greeting ?? []) client.send(text);
      if (relay.faults.auth !== true) return;
      const challenge = randomBytes(8).toString("hex");
      challenges.set(client, challenge);
      say(client, "AUTH", challenge);
    },
  );
  const relay: Relay = { ...server, taken, faults };
  return relay;
}

function fits(filter: RelayFilter, event: NostrEvent): boolean {
  const named = event.tags.filter(([name]) => name === "p").map(([, value]) => value);
  return (
    filter.kinds.includes(event.kind) &&
    (filter.authors?.includes(event.pubkey) ?? true) &&
    filter["#p"].some((pubkey) => named.includes(pubkey))
  );
}
