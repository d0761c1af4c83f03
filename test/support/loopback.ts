import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server of this machine alone, on a port of its own. */
export interface OnLoopback {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Cuts whatever is connected. */
  close(): Promise<void>;
}

export async function onLoopback(server: Server): Promise<OnLoopback> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
