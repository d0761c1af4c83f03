import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterwards } from "./agent-half.ts";

/** One client of a WebSocket server (RFC 6455), as text messages. */
export interface SocketClient {
  send(text: string): void;
  /** Cuts the connection, as a network does. */
  cut(): void;
}

export interface SocketServer {
  readonly url: string;
  readonly clients: Set<SocketClient>;
  close(): Promise<void>;
}

const opcodes = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 };

/** Serves WebSockets on a free port of loopback; closed after the test. */
export async function serveSockets(
  onMessage: (client: SocketClient, text: string) => void,
  onClient: (client: SocketClient) => void = () => {},
): Promise<SocketServer> {
  const clients = new Set<SocketClient>();
  const server = createServer((_request, response) => response.writeHead(426).end());
  server.on("upgrade", (request, socket) => {
    const key = request.headers["sec-websocket-key"] ?? "";
    const accept = createHash("sha1")
      .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const client: SocketClient = {
      send: (text) => {
        if (socket.writable) socket.write(frame(opcodes.text, Buffer.from(text)));
      },
      cut: () => socket.destroy(),
    };
    clients.add(client);
    socket.on("close", () => clients.delete(client));
    socket.on("error", () => {});
    readFrames(socket, (text) => onMessage(client, text));
    onClient(client);
  });
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", listening);
  });
  const close = () =>
    new Promise<void>((closed) => {
      for (const client of clients) client.cut();
      server.close(() => closed());
      server.closeAllConnections();
    });
  afterwards(close);
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/`, clients, close };
}

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, length])
      : length < 65536
        ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([0x80 | opcode, 127]), bigLength(length)]);
  return Buffer.concat([head, payload]);
}

function bigLength(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

/** Reads a client's frames, which must be masked; answers pings and closings. */
function readFrames(socket: Duplex, onText: (text: string) => void): void {
  let waiting = Buffer.alloc(0);
  let parts: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (let one = nextFrame(waiting); one !== undefined; one = nextFrame(waiting)) {
      waiting = waiting.subarray(one.end);
      if (!one.masked) socket.destroy(new Error("a client's frame must be masked"));
      if (one.opcode === opcodes.ping) socket.write(frame(opcodes.pong, one.payload));
      if (one.opcode === opcodes.close) socket.end(frame(opcodes.close, one.payload));
      if (one.opcode > opcodes.text) continue;
      parts.push(one.payload);
      if (!one.final) continue;
      const text = Buffer.concat(parts).toString("utf8");
      parts = [];
      onText(text);
    }
  });
}

function nextFrame(bytes: Buffer) {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const masked = (second & 0x80) !== 0;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const head = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < head) return undefined;
  const length =
    lengthBytes === 0
      ? short
      : lengthBytes === 2
        ? bytes.readUInt16BE(2)
        : Number(bytes.readBigUInt64BE(2));
  const end = head + length;
  if (bytes.length < end) return undefined;
  const payload = Buffer.from(bytes.subarray(head, end));
  if (masked) {
    const mask = bytes.subarray(head - 4, head);
    for (let at = 0; at < payload.length; at += 1) {
      payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
    }
  }
  return { masked, opcode: first & 0x0f, final: (first & 0x80) !== 0, payload, end };
}
