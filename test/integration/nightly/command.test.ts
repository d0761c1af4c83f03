import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectPika } from "../../../src/forges/pika.ts";
import { parseSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import { readArguments } from "../../../src/operations/arguments.ts";
import { nightly } from "../../../src/operations/nightly.ts";
import type { OperationContext } from "../../../src/operations/operation.ts";
import { nightlyManifest, untilNightly } from "../../support/nightly.ts";
import { contextOn, memoryForge, memoryWorktree } from "../../support/operations.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let server: TestForge;
let context: OperationContext;
beforeAll(async () => {
  server = await startTestForge({ manifest: nightlyManifest });
  const signer = signerOf(parseSecretKey(server.agent.nsec));
  const forge = connectPika({ name: "local", baseUrl: server.origin, signer });
  context = contextOn(memoryWorktree(forge));
});
afterAll(() => server?.close());

const ask = async (given: object) => {
  const answer = await nightly.handle(context, readArguments(nightly.input, given));
  expect(nightly.result.safeParse(answer).error).toBeUndefined();
  return answer;
};

describe("land nightly", () => {
  it("says that there is none, and how to have one", async () => {
    const answer = await ask({});
    expect(answer).toMatchObject({ state: "listed", nightlies: [] });
    expect(nightly.render(answer)).toContain("land nightly --now");
  });

  it("runs one, shows it and lists it", async () => {
    const started = await ask({ now: true });
    expect(started).toMatchObject({ state: "started" });
    const id = started.nightlies[0]?.nightly ?? "";
    const token = await server.login(server.agent.nsec);
    await untilNightly(server, token, Number(id));
    const shown = await ask({ nightly: `#${id}` });
    expect(shown.nightlies[0]).toMatchObject({
      nightly: id,
      status: "failed",
      lane_count: 2,
      lanes: [
        { lane: "steady", status: "success" },
        { lane: "moody", status: "failed", why: "test_failure" },
      ],
    });
    expect(nightly.render(shown)).toContain("- moody failed (test_failure)");
    const listed = await ask({ limit: 1 });
    expect(listed.nightlies).toMatchObject([{ nightly: id, lane_count: 2 }]);
    expect(listed.nightlies[0]?.lanes).toBeUndefined();
  });

  it.each([
    [{ nightly: "4040" }, "not_found"],
    [{ nightly: "../x" }, "not_found"],
    [{ nightly: "1", now: true }, "bad_argument"],
  ])("refuses %j with %s", async (given, code) => {
    await expect(ask(given)).rejects.toMatchObject({ code });
  });

  it("is told where a forge has no nightlies", async () => {
    const without = contextOn(memoryWorktree(memoryForge()));
    await expect(nightly.handle(without, {})).rejects.toMatchObject({ code: "unsupported" });
  });
});
