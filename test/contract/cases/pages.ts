import { createHmac } from "node:crypto";
import { answers, type Case, plainly, row } from "../case.ts";
import { is, keys } from "../match.ts";
import type { Call, Pushed, PushedNightly, Reply, World } from "../world.ts";

const get = (path: string): Call => ({ method: "GET", path });
const page = { status: 200, headers: { "content-type": /^text\/html/ } };
const head = ["head"] as const;
const seed = ["seed"] as const;
const green = (world: World) => world.shared("success");

const pages: Case[] = [
  row({ section: "7.1", name: "the feed", call: () => get(""), expect: page }),
  row({ section: "7.5", name: "the inbox's page", call: () => get("/inbox"), expect: page }),
  row({ section: "7.6", name: "the admin's page", call: () => get("/admin"), expect: page }),
  ...(
    [
      ["7.2", "a branch's page", "/branch/ID", undefined],
      ["7.3", "a branch's CI page", "/branch/ID/ci", head],
      ["7.3", "a branch's CI page in review", "/branch/ID/ci?review=1", head],
      ["7.5", "a branch in review", "/inbox/review/ID", undefined],
      ["2.0", "a branch's page by its older path", "/pr/ID", seed],
    ] as const
  ).map(([section, name, path, on]) =>
    row<Pushed>({
      section,
      name,
      ...(on === undefined ? {} : { on }),
      arrange: green,
      call: ({ id }) => get(path.replace("ID", String(id))),
      expect: page,
    }),
  ),
  row<PushedNightly>({
    section: "7.4",
    name: "a nightly's page",
    arrange: (world) => world.nightly("success"),
    call: ({ id }) => get(`/nightly/${id}`),
    expect: page,
  }),
  ...(
    [
      ["/branch/404404", "branch 404404 not found"],
      ["/branch/-1", "branch -1 not found"],
      ["/nightly/404404", "nightly run 404404 not found"],
      ["/branch/404404/ci/stream", "branch 404404 not found"],
      ["/nightly/404404/stream", "nightly run 404404 not found"],
    ] as const
  ).map(([path, text]) =>
    row({
      section: "2.11",
      name: `${path} is told in plain text`,
      call: () => get(path),
      expect: plainly(404, text),
    }),
  ),
  row({
    section: "2.9",
    name: "the full stream of no branch",
    on: head,
    call: () => get("/branch/404404/ci/stream/full"),
    expect: plainly(404, "branch 404404 not found"),
  }),
];

const streamHead = {
  status: 200,
  headers: { "content-type": /^text\/event-stream/, "cache-control": /no-cache/ },
};

/** The one event of a stream that has nothing to wait for. */
const single = (attribute: string) => async (_facts: unknown, _world: World, reply: Reply) => {
  const blocks = reply.text.split("\n\n").filter((block) => /^data:/m.test(block));
  const [block = ""] = blocks;
  const lines = block.split("\n").filter((line) => !line.startsWith(":"));
  const data = lines.find((line) => line.startsWith("data:"))?.slice("data:".length) ?? "";
  const right =
    blocks.length === 1 &&
    lines.includes("event: ci-update") &&
    Object.keys(JSON.parse(data)).join() === "html" &&
    JSON.parse(data).html.includes(`${attribute}="false"`) &&
    !/^(id|retry):/m.test(block);
  if (!right) throw new Error(`the stream: ${reply.text}`);
};

const streams: Case[] = [
  ...(["/ci/stream", "/ci/stream/full"] as const).flatMap((path) =>
    (["success", "failed"] as const).map((fate) =>
      row<Pushed>({
        section: "2.9",
        name: `${path} of a branch that ended as ${fate} has one event and ends`,
        ...(path === "/ci/stream" ? {} : { on: head }),
        arrange: (world) => world.shared(fate),
        call: ({ id }) => get(`/branch/${id}${path}`),
        expect: streamHead,
        after: single("data-branch-ci-active"),
      }),
    ),
  ),
  row<PushedNightly>({
    section: "2.9",
    name: "the stream of a nightly that ended",
    arrange: (world) => world.nightly("success"),
    call: ({ id }) => get(`/nightly/${id}/stream`),
    expect: streamHead,
    after: single("data-nightly-active"),
  }),
  row<Pushed>({
    section: "2.9",
    name: "a stream goes on while a lane runs, and ends with it",
    arrange: (world, unique) => world.push(unique, "running"),
    async call(pushed, world) {
      // The answer is read to its end, which comes only after the lane's.
      const first = await fetch(`${world.origin}${world.prefix}/branch/${pushed.id}/ci/stream`);
      let seen = "";
      const decoder = new TextDecoder();
      for await (const chunk of first.body ?? []) {
        seen += decoder.decode(chunk, { stream: true });
        const active = seen.includes('data-branch-ci-active=\\"true\\"');
        if (active && !seen.includes('data-branch-ci-active=\\"false\\"')) {
          await world.finish(pushed, "failed").catch(() => {});
        }
      }
      if (!seen.includes('data-branch-ci-active=\\"false\\"')) throw new Error(seen);
      return get(`/branch/${pushed.id}/ci/stream`);
    },
    expect: streamHead,
    after: single("data-branch-ci-active"),
  }),
];

const push = `${"0".repeat(40)} ${"1".repeat(40)} refs/heads/nothing\n`;
const sign = (secret: string, body: string) =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

const webhook = (
  name: string,
  signature: (world: World) => string | null,
  expect: Case["expect"],
  body = push,
) =>
  row({
    section: "2.10",
    name,
    call: (_facts, world) => {
      const given = signature(world);
      const headers = given === null ? {} : { "x-pika-signature-256": given };
      return { method: "POST", path: "/webhook", body, type: "text/plain", headers };
    },
    expect,
  });

const good = answers(keys({ status: is("ok") }));
const invalid = plainly(401, "invalid signature");
const webhooks: Case[] = [
  webhook("a signed call", ({ webhookSecret }) => sign(webhookSecret, push), good),
  webhook("a signed call without a body", ({ webhookSecret }) => sign(webhookSecret, ""), good, ""),
  webhook("no signature", () => null, plainly(401, "missing signature")),
  webhook("a signature by another secret", () => sign("another", push), invalid),
  webhook("a signature by no secret", () => sign("\0", push), invalid),
  webhook("a signature of another body", (world) => sign(world.webhookSecret, "x"), invalid),
  webhook(
    "a signature without its scheme",
    (world) => sign(world.webhookSecret, push).slice(7),
    invalid,
  ),
  webhook("a signature that is no hex", () => "sha256=xyz", invalid),
  webhook(
    "a signature cut short",
    (world) => sign(world.webhookSecret, push).slice(0, 20),
    invalid,
  ),
  webhook("a blank signature", () => "", plainly(401, /^(missing|invalid) signature$/)),
  webhook(
    "a body over the limit",
    (world) => sign(world.webhookSecret, push),
    { status: 413 },
    "x".repeat(2 * 1024 * 1024 + 1),
  ),
];

export const pageCases: readonly Case[] = [...pages, ...streams, ...webhooks];
