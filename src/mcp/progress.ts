import type { ServerContext } from "@modelcontextprotocol/server";
import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";

/** How often a client that waits hears from us even where nothing changes. */
const heartbeatMs = 10_000;

export interface ProgressReporter {
  tell(message: string): void;
  stop(): void;
}

/**
 * Tells the client what goes on, where its request carries a progress token: each new message at
 * once, and the last one again as a heartbeat. `progress` only ever increases.
 */
export function reportProgress(context: ServerContext): ProgressReporter {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return { tell: () => {}, stop: () => {} };
  let progress = 0;
  let last = "";
  const send = (message: string) => {
    progress += 1;
    // A client that has gone away is noticed by the call's signal, not here.
    context.mcpReq
      .notify({ method: "notifications/progress", params: { progressToken, progress, message } })
      .catch(() => {});
  };
  const heartbeat = setInterval(() => send(last === "" ? "working" : last), heartbeatMs);
  return {
    tell(message) {
      const line = headBytes(oneLine(message), 300).text;
      if (line === last) return;
      last = line;
      heartbeat.refresh();
      send(line);
    },
    stop: () => clearInterval(heartbeat),
  };
}
