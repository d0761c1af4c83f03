import { request } from "node:http";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runMcpHttp } from "../../../src/mcp/http.ts";
import { connect, type Era } from "../../support/mcp.ts";
import { memoryForge, memoryWorktree } from "../../support/operations.ts";

const token = "a-token-of-a-test";
let url: URL;
let stop: AbortController;
let ended: Promise<void>;

beforeEach(async () => {
  stop = new AbortController();
  const listening = Promise.withResolvers<string>();
  ended = runMcpHttp({
    version: "0.0.0-test",
    openWorktree: async () => memoryWorktree(memoryForge()),
    port: 0,
    token,
    signal: stop.signal,
    onListening: listening.resolve,
  });
  url = new URL(await listening.promise);
});

afterEach(async () => {
  stop.abort();
  await ended;
});

/** The status of a bare request. */
function statusOf(headers: Record<string, string>, path = "/mcp"): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port: url.port, path, method: "POST", headers },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    sent.on("error", reject);
    sent.end("{}");
  });
}

describe.each<Era>(["modern", "legacy"])("a %s client with the token", (era) => {
  it("calls tools", async () => {
    const client = await connect(
      new StreamableHTTPClientTransport(url, {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
      era,
    );
    const result = await client.callTool({ name: "branch_status", arguments: {} });
    expect(result.structuredContent).toMatchObject({ branch: "feature/x", ci: "green" });
    await client.close();
  });
});

describe("what must not pass", () => {
  const bearer = `Bearer ${token}`;

  it("is a request without the token, or with another", async () => {
    expect(await statusOf({})).toBe(401);
    expect(await statusOf({ authorization: "Bearer wrong-token-of-test" })).toBe(401);
    expect(await statusOf({ authorization: token })).toBe(401);
  });

  it("is another host or origin, even with the token", async () => {
    expect(await statusOf({ authorization: bearer, host: "evil.example" })).toBe(403);
    expect(await statusOf({ authorization: bearer, origin: "https://evil.example" })).toBe(403);
  });

  it("is another path", async () => {
    expect(await statusOf({ authorization: bearer }, "/")).toBe(404);
  });

  it("is a port that somebody else has", async () => {
    const failed = runMcpHttp({
      version: "0.0.0-test",
      openWorktree: async () => memoryWorktree(memoryForge()),
      port: Number(url.port),
      token,
    });
    await expect(failed).rejects.toMatchObject({
      code: "bad_argument",
      message: expect.stringContaining("EADDRINUSE"),
    });
  });

  it("is a token that could be guessed", async () => {
    await expect(
      runMcpHttp({
        version: "0.0.0-test",
        openWorktree: async () => memoryWorktree(memoryForge()),
        port: 0,
        token: "short",
      }),
    ).rejects.toThrow("at least 16 characters");
  });
});

it("listens on loopback alone", () => {
  expect(url.hostname).toBe("127.0.0.1");
});
