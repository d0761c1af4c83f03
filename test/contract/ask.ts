import { request } from "node:http";
import type { Call, Reply, Who } from "./world.ts";

/** Sends a call as it is, without a client's own ideas of headers, and reads the answer whole. */
export async function askForge(
  forge: { readonly origin: string; readonly prefix: string },
  call: Call,
  tokenOf: (who: Who) => Promise<string>,
): Promise<Reply> {
  const headers: Record<string, string> = { ...call.headers };
  if (typeof call.as === "string") headers.authorization = `Bearer ${await tokenOf(call.as)}`;
  else if (call.as !== undefined && "token" in call.as) {
    headers.authorization = `Bearer ${call.as.token}`;
  } else if (call.as !== undefined) headers.authorization = call.as.header;
  let body: string | undefined;
  if (typeof call.body === "string") body = call.body;
  else if (call.body !== undefined) body = JSON.stringify(call.body);
  if (call.type !== undefined) headers["content-type"] = call.type;
  else if (call.body !== undefined && typeof call.body !== "string") {
    headers["content-type"] = "application/json";
  }
  if (body !== undefined) headers["content-length"] = String(Buffer.byteLength(body));
  const url = new URL(forge.origin);
  const path = (call.fromRoot === true ? "" : forge.prefix) + call.path;
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: url.hostname, port: url.port, path, method: call.method, headers, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const given = answer.headers as Reply["headers"];
          resolve({ status: answer.statusCode ?? 0, headers: given, text, json: parsed(text) });
        });
      },
    );
    asked.on("error", reject);
    asked.setTimeout(20_000, () => asked.destroy(new Error(`no answer: ${call.method} ${path}`)));
    asked.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
