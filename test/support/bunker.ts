import { npubEncode } from "nostr-tools/nip19";
import { decrypt, encrypt, getConversationKey } from "nostr-tools/nip44";
import {
  type EventTemplate,
  finalizeEvent,
  generateSecretKey,
  getPublicKey,
  type NostrEvent,
  verifyEvent,
} from "nostr-tools/pure";
import { z } from "zod";
import { afterwards, byHand } from "./agent-half.ts";
import type { Relay } from "./relay.ts";

const kind = 24133;
const requestShape = z.strictObject({
  id: z.string().min(1),
  method: z.string(),
  params: z.array(z.string()),
});
const templateShape = z.strictObject({
  kind: z.int(),
  content: z.string(),
  tags: z.array(z.array(z.string())),
  created_at: z.int(),
});

export interface BunkerFaults {
  /** Methods that are refused, with the words. */
  refuse?: Readonly<Record<string, string>>;
  /** Methods that are never answered. */
  silent?: readonly string[];
  /** A page to be opened before `connect` is answered; `approve` answers it. */
  page?: string;
  /** Signs with another key than it names. */
  otherKey?: boolean;
  /** Changes what is to be signed. */
  alter?: (event: EventTemplate) => EventTemplate;
  /** Spoils what was signed. */
  spoil?: (event: NostrEvent) => unknown;
  /** Answers with this instead of what is encrypted. */
  garbage?: string;
}

/** A remote signer after NIP-46: a real client of a real relay, strict about what it is asked. */
export interface TestBunker {
  readonly url: string;
  readonly npub: string;
  /** The methods that it was asked for, in order, with the client's key. */
  readonly asked: { method: string; params: readonly string[]; client: string }[];
  faults: BunkerFaults;
  /** Lets the waiting client in, as a person on the page does. */
  approve(): void;
  /** Settles once a page was sent to somebody. */
  readonly pageSent: Promise<void>;
}

export async function startBunker(relay: Relay, faults: BunkerFaults = {}): Promise<TestBunker> {
  const own = generateSecretKey();
  const user = generateSecretKey();
  const secret = Buffer.from(generateSecretKey()).toString("hex").slice(0, 16);
  const clients = new Set<string>();
  const waiting: (() => void)[] = [];
  const pageSent = byHand();
  let used = false;
  const asked: TestBunker["asked"] = [];
  const socket = new WebSocket(relay.url);
  afterwards(async () => socket.close());

  const answer = (client: string, body: { id: string; result?: string; error?: string }) => {
    const content =
      bunker.faults.garbage ?? encrypt(JSON.stringify(body), getConversationKey(own, client));
    const now = Math.floor(Date.now() / 1000);
    const template = { kind, content, tags: [["p", client]], created_at: now };
    socket.send(JSON.stringify(["EVENT", finalizeEvent(template, own)]));
  };

  const handle = (client: string, id: string, method: string, params: readonly string[]) => {
    const { refuse, silent, page } = bunker.faults;
    if (silent?.includes(method)) return;
    const error = refuse?.[method];
    if (error !== undefined) return answer(client, { id, error });
    if (method === "connect") {
      const isRight = params[0] === getPublicKey(own) && params[1] === secret && !used;
      if (!isRight) return answer(client, { id, error: "wrong or used secret" });
      used = true;
      const letIn = () => {
        clients.add(client);
        answer(client, { id, result: "ack" });
      };
      if (page === undefined) return letIn();
      waiting.push(letIn);
      answer(client, { id, result: "auth_url", error: page });
      return pageSent.resolve();
    }
    if (!clients.has(client)) return answer(client, { id, error: "unknown client" });
    if (method === "get_public_key") return answer(client, { id, result: getPublicKey(user) });
    if (method !== "sign_event") return answer(client, { id, error: `no such method ${method}` });
    const wanted = templateShape.parse(JSON.parse(params[0] ?? ""));
    const template = bunker.faults.alter?.(wanted) ?? wanted;
    const signed = finalizeEvent(template, bunker.faults.otherKey ? generateSecretKey() : user);
    answer(client, { id, result: JSON.stringify(bunker.faults.spoil?.({ ...signed }) ?? signed) });
  };

  const bunker: TestBunker = {
    url: `bunker://${getPublicKey(own)}?relay=${encodeURIComponent(relay.url)}&secret=${secret}`,
    npub: npubEncode(getPublicKey(user)),
    asked,
    faults,
    approve: () => {
      for (const letIn of waiting.splice(0)) letIn();
    },
    pageSent: pageSent.promise,
  };

  const ready = byHand();
  socket.addEventListener("message", ({ data }) => {
    const [word, ...rest] = JSON.parse(String(data)) as [string, ...unknown[]];
    if (word === "EOSE") ready.resolve();
    if (word !== "EVENT") return;
    const event = rest[1] as NostrEvent;
    if (!verifyEvent(event)) throw new Error("the relay passed on a forged event");
    const plain = decrypt(event.content, getConversationKey(own, event.pubkey));
    const { id, method, params } = requestShape.parse(JSON.parse(plain));
    asked.push({ method, params, client: event.pubkey });
    handle(event.pubkey, id, method, params);
  });
  socket.addEventListener("open", () =>
    socket.send(JSON.stringify(["REQ", "bunker", { kinds: [kind], "#p": [getPublicKey(own)] }])),
  );
  await ready.promise;
  return bunker;
}
