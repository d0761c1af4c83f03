import { protocolVersion } from "../../contract/forge.ts";
import { routeTable } from "../../contract/routes.ts";
import { HttpFault } from "./fault.ts";
import type { Call, Handlers } from "./handler.ts";
import { eventHeaders } from "./headers.ts";

const recovery = routeTable.flatMap((route) => route.recovery ?? []);

/** What the forge itself is and does: about, events, its target, its end. */
export const forgeHandlers: Pick<Handlers, "about" | "events" | "target" | "drain"> = {
  about: ({ parts }) => ({
    name: "forge-landing-kit",
    version: parts.config.version,
    protocol: protocolVersion,
    instance: parts.instance,
    repo: parts.config.repo,
    target: parts.config.target,
    landing_rule: "up_to_date",
    recovery,
    isolation: parts.ci.isolation,
    draining: parts.draining(),
    frozen: parts.repository.frozen(),
  }),

  events(call) {
    const { c, parts, caller } = call;
    // Its body would never be read, nor given up.
    if (c.req.method === "HEAD") return new Response(null, { headers: eventHeaders });
    const stream = parts.live.open({
      store: parts.store,
      clock: parts.clock,
      after: eventCursor(call),
      mayRead: () => parts.access.mayStillRead(caller),
    });
    if (stream === undefined) {
      throw new HttpFault(503, { error: "too many event streams are open; close one first" });
    }
    return new Response(stream.body, {
      headers: { ...eventHeaders, "Transfer-Encoding": "chunked" },
    });
  },

  async target({ parts, body, caller }) {
    const sha = await parts.repository.settleTarget(body.action, caller.npub);
    parts.log.warn({ action: body.action, by: caller.npub, target: sha }, "target settled by hand");
    return { status: "ok", target_sha: sha };
  },

  drain({ parts, caller }) {
    const running = parts.store.read.countRunningLanes();
    parts.store.write((tx) =>
      tx.addAudit({ npub: caller.npub, action: "drain", detail: `running lanes ${running}` }),
    );
    parts.drain(caller.npub);
    return { status: "draining", running };
  },
};

/** A reconnecting client's header is newer than the URL that it began with. */
function eventCursor({ c, query }: Call<"events">): number | undefined {
  const header = c.req.header("last-event-id");
  if (header === undefined || header === "") return query.after;
  // What we never sent is answered with `gap`, as a number that was dropped is.
  return /^\d{1,15}$/.test(header) ? Number(header) : Number.MAX_SAFE_INTEGER;
}
