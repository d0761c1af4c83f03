import { HonoRequest } from "hono/request";
import { describe, expect, it } from "vitest";
import { parseId, readBytes } from "../../../../src/server/http/extract.ts";

describe("a body", () => {
  const sent = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => void) => {
    const body = new ReadableStream<Uint8Array>({ pull });
    return new HonoRequest(new Request("http://x/", { method: "POST", body, duplex: "half" }));
  };

  it("that breaks off is the client's fault, not the forge's", async () => {
    const broken = sent((controller) => controller.error(new Error("aborted")));
    await expect(readBytes(broken)).rejects.toMatchObject({ name: "HttpFault", status: 400 });
  });

  it("without a length is read no further than is allowed", async () => {
    const endless = sent((controller) => controller.enqueue(new Uint8Array(512 * 1024)));
    await expect(readBytes(endless)).rejects.toMatchObject({ name: "HttpFault", status: 413 });
  });
});

describe("a path id", () => {
  it.each([
    ["7", 7],
    ["-7", -7],
    ["+7", 7],
    ["007", 7],
    ["9223372036854775807", -1],
    ["-9223372036854775808", -1],
  ])("%s is read as %d", (text, id) => {
    expect(parseId(text)).toBe(id);
  });

  it.each([
    "",
    "x",
    "1.0",
    "1e3",
    " 1",
    "0x1",
    "9223372036854775808",
    "-9223372036854775809",
    "9".repeat(5000),
  ])("%s is refused in the framework's words", (text) => {
    expect(() => parseId(text)).toThrow(/^Invalid URL: Cannot parse `.*` to a `i64`$/);
  });
});
