import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";
import { type McpOptions, mcpServers } from "./server.ts";

export interface StdioOptions extends McpOptions {
  /** Ends the server, as the end of standard input does. */
  readonly signal?: AbortSignal | undefined;
  /** Told of trouble on the wire; standard output belongs to the protocol. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** Serves one client over standard input and output, whatever revision it speaks, until it leaves. */
export async function runMcpStdio(options: StdioOptions): Promise<void> {
  const transport = new WatchedTransport();
  const handle = serveStdio(mcpServers(options), {
    transport,
    ...reporting(options.onError),
  });
  const stop = () => void handle.close();
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted === true) stop();
  await transport.ended;
  options.signal?.removeEventListener("abort", stop);
}

/** What a client sent may be quoted in an error, at any length. */
function reporting(onError: StdioOptions["onError"]): { onerror?: (error: Error) => void } {
  if (onError === undefined) return {};
  return {
    onerror: (error) => onError(new Error(headBytes(oneLine(error.message), 300).text)),
  };
}

/** The SDK's transport, with a promise for its end. */
class WatchedTransport extends StdioServerTransport {
  readonly ended: Promise<void>;
  readonly #end: () => void;

  constructor() {
    super();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#end();
  }
}
