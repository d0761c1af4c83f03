import type { Handlers } from "./handler.ts";

export const authHandlers: Pick<Handlers, "challenge" | "verify" | "logout" | "me"> = {
  challenge: ({ parts }) => parts.access.challenge(),
  verify: ({ parts, body }) => parts.access.verify(body.event),
  me: ({ parts, caller }) => parts.access.me(caller),
  logout({ parts, caller }) {
    parts.access.logout(caller);
    return { status: "ok" };
  },
};
