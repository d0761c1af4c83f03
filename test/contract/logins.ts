import { decode } from "nostr-tools/nip19";
import { finalizeEvent } from "nostr-tools/pure";
import type { World } from "./world.ts";

export interface EventChange {
  readonly kind?: number;
  readonly tags?: string[][];
  /** Seconds from now. */
  readonly age?: number;
  readonly content?: string;
}

/** The text of a login event signed for a world; a change makes it another one. */
export function loginEvent(
  world: Pick<World, "origin" | "prefix">,
  nsec: string,
  challenge: string,
  change: EventChange = {},
): string {
  const secret = decode(nsec);
  if (secret.type !== "nsec") throw new Error("not an nsec");
  const event = finalizeEvent(
    {
      kind: change.kind ?? 27235,
      content: change.content ?? challenge,
      created_at: Math.floor(Date.now() / 1000) - (change.age ?? 0),
      tags: change.tags ?? usualTags(world),
    },
    secret.data,
  );
  return JSON.stringify(event);
}

export const usualTags = (world: Pick<World, "origin" | "prefix">): string[][] => [
  ["u", `${world.origin}${world.prefix}/auth/verify`],
  ["method", "POST"],
];

/** A fresh challenge of the world. */
export async function challengeOf(world: Pick<World, "ask">): Promise<string> {
  const reply = await world.ask({ method: "POST", path: "/auth/challenge" });
  if (reply.status !== 200) throw new Error(`challenge: ${reply.status} ${reply.text}`);
  return reply.json.challenge;
}

/** A token of the world for a key. */
export async function tokenFor(
  world: Pick<World, "ask" | "origin" | "prefix">,
  nsec: string,
): Promise<string> {
  const event = loginEvent(world, nsec, await challengeOf(world));
  const reply = await world.ask({ method: "POST", path: "/auth/verify", body: { event } });
  if (reply.status !== 200) throw new Error(`login: ${reply.status} ${reply.text}`);
  return reply.json.token;
}
