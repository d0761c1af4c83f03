import type { EventTemplate } from "nostr-tools/pure";

/** Kind of an event that proves a key to an HTTP service (NIP-98). */
export const loginKind = 27235;

/**
 * The event that answers a challenge, unsigned. `base` counts with scheme, host and port alone;
 * `nowMs` is milliseconds since the epoch.
 */
export function loginEvent(login: {
  challenge: string;
  base: string;
  prefix: string;
  nowMs: number;
}): EventTemplate {
  return {
    kind: loginKind,
    content: login.challenge,
    created_at: Math.floor(login.nowMs / 1000),
    tags: [
      ["u", `${new URL(login.base).origin}${login.prefix}/auth/verify`],
      ["method", "POST"],
    ],
  };
}
