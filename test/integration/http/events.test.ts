import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventShape } from "../../../src/contract/forge.ts";
import { prefixes } from "../../../src/contract/paths.ts";
import { connectEvents } from "../../support/event-client.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let token: string;
let branch: number;
let head: string;
beforeAll(async () => {
  forge = await startTestForge();
  token = await forge.login(forge.agent.nsec);
  head = await forge.push("topic", { "a.txt": "1\n" });
  // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
  const settled = (d: any) => d.branch.ci_status === "success";
  branch = (await forge.until("topic", token, settled)).branch.branch_id;
});
afterAll(() => forge?.close());

const connect = (query = "", more: Record<string, string> = {}, prefix = "/git") =>
  connectEvents(`${forge.origin}${prefix}/api/forge/events${query}`, {
    authorization: `Bearer ${token}`,
    ...more,
  });
/** Something that adds exactly one event. */
const change = async () => {
  const answer = await forge.api(
    "PUT",
    `/api/forge/branch/${branch}/tutorial`,
    {
      head_sha: head,
      executive_summary: "s",
      steps: [
        {
          title: "t",
          intent: "i",
          affected_files: ["f"],
          evidence_snippets: ["e"],
          body_markdown: "",
        },
      ],
    },
    token,
  );
  expect(answer.status).toBe(200);
};

describe.each(prefixes)("the event stream below %s", (prefix) => {
  it("greets, then tells each change as it happens", async () => {
    const client = await connect("", {}, prefix);
    const hello = await client.next();
    expect(eventShape.parse(hello)).toMatchObject({ kind: "hello", branch_id: null });
    await change();
    expect(await client.next()).toMatchObject({
      seq: (hello?.seq ?? 0) + 1,
      id: String((hello?.seq ?? 0) + 1),
      kind: "tutorial_ready",
      branch_id: branch,
      head_sha: head,
    });
    await client.close();
  });
});

describe("the event stream", () => {
  it("tells a branch's whole way from its push to its run's end", async () => {
    const client = await connect();
    await client.next();
    await forge.push("other", { "b.txt": "1\n" });
    const kinds: string[] = [];
    while (kinds.at(-1) !== "run_finished") kinds.push((await client.next())?.kind ?? "end");
    expect(kinds).toEqual([
      "branch_opened",
      "run_queued",
      "lane_claimed",
      "lane_finished",
      "run_finished",
    ]);
    await client.close();
  });

  it("loses nothing to a client that comes and goes", async () => {
    const first = await connect();
    let cursor = (await first.next())?.seq ?? 0;
    const begun = cursor;
    await first.close();
    const wanted = 60;
    const writing = (async () => {
      for (let i = 0; i < wanted; i += 1) await change();
    })();
    const seen: number[] = [];
    for (let round = 0; seen.length < wanted; round += 1) {
      const byHeader = round % 2 === 0;
      const client = byHeader
        ? await connect("?after=0", { "last-event-id": String(cursor) })
        : await connect(`?after=${cursor}`);
      expect(await client.next()).toMatchObject({ kind: "hello", seq: cursor });
      for (let i = 0; i < 7 && seen.length < wanted; i += 1) {
        const event = await client.next();
        seen.push(event?.seq ?? -1);
        cursor = event?.seq ?? cursor;
      }
      await client.close();
    }
    await writing;
    expect(seen).toEqual(seen.map((_, index) => begun + 1 + index));
  });

  it("tells the beginning to who asks for it, and gap to who asks for what never was", async () => {
    const all = await connect("?after=0");
    expect(await all.next()).toMatchObject({ kind: "hello", seq: 0 });
    expect((await all.next())?.seq).toBe(1);
    await all.close();
    for (const strange of ["99999999", "nonsense"]) {
      const lost = await connect("", { "last-event-id": strange });
      expect(await lost.next()).toMatchObject({ kind: "gap" });
      await lost.close();
    }
  });

  it("opens nothing for a HEAD request", async () => {
    for (let i = 0; i < 300; i += 1) {
      const answer = await forge.api("HEAD", "/api/forge/events", undefined, token);
      expect(answer.status).toBe(200);
    }
    const client = await connect();
    expect((await client.next())?.kind).toBe("hello");
    await client.close();
  });

  it("is for those with a token, and ends with it", async () => {
    expect((await forge.api("GET", "/api/forge/events")).status).toBe(401);
    expect((await forge.api("GET", "/api/forge/events?after=-1", undefined, token)).status).toBe(
      400,
    );
    const other = await forge.login(forge.agent.nsec);
    const client = await connect("", { authorization: `Bearer ${other}` });
    await client.next();
    await forge.api("POST", "/auth/logout", undefined, other);
    await change();
    expect(await client.next()).toBeUndefined();
  });
});
