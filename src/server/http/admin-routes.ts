import { RefusedError } from "../refused.ts";
import type { Handlers } from "./handler.ts";
import { forgeStatus } from "./wire-status.ts";

/** What the owner sees of the forge's own work. */
export const adminHandlers: Pick<Handlers, "forgeStatus" | "syncMirror"> = {
  forgeStatus: ({ parts }) => forgeStatus(parts),

  async syncMirror({ parts, caller }) {
    const { mirror, store } = parts;
    if (mirror === undefined) {
      throw new RefusedError(
        409,
        "mirror sync is unavailable; no mirror is configured for this forge",
      );
    }
    const answer = await mirror.sync(caller.npub);
    store.write((tx) =>
      tx.addAudit({ npub: caller.npub, action: "mirror_sync", detail: answer.status }),
    );
    return answer;
  },
};
