import type { Handlers } from "./handler.ts";

export const authHandlers: Pick<Handlers, "challenge" | "verify" | "logout" | "me"> = {
  challenge: ({ parts }) => parts.access.challenge(),
  verify({ c, parts, body }) {
    const answer = parts.access.verify(body.event, c.req.header("host"));
    try {
      parts.store.write((tx) => tx.fillInbox(answer.npub));
    } catch (error) {
      parts.log.error({ err: error }, "an inbox could not be filled");
    }
    return answer;
  },
  me: ({ parts, caller }) => parts.access.me(caller),
  logout({ parts, caller }) {
    parts.access.logout(caller);
    parts.live.checkReaders();
    return { status: "ok" };
  },
};
