import { createHmac, timingSafeEqual } from "node:crypto";
import { branchById, type Core } from "./core.ts";
import type { Loop } from "./ingest.ts";
import { plainly, refuse } from "./refusal.ts";
import { type Answer, type Call, type Endpoint, html, json, type Path, text } from "./router.ts";
import { branchSnapshot, ciStream, escaped, nightlySnapshot } from "./streams.ts";

/** Pages, streams, the webhook and what is left of older times. Paths without prefix. */
export function pagePaths(core: Core, loop: Loop, secret: string | null): Path[] {
  const open = (run: Endpoint["run"]): Endpoint => ({ guard: "none", run });
  const shell = (name: string) => open(() => html(`<main id="${name}"></main>`));
  const branchPage = open((call) => html(branchHtml(core, branchOf(core, call))));
  const stream = (full: boolean) =>
    open((call) => {
      const branch = branchOf(core, call);
      return ciStream(core, "branch", branch.id, () => branchSnapshot(core, branch, full));
    });
  const seed = core.revision === "seed";
  return [
    { path: "", get: open(() => html(feed(core))) },
    { path: "/branch/:branch_id", get: branchPage },
    { path: "/branch/:branch_id/ci/stream", get: stream(seed) },
    { path: "/nightly/:nightly_run_id", get: open((call) => nightlyPage(core, call)) },
    {
      path: "/nightly/:nightly_run_id/stream",
      get: open((call) => {
        const run = nightlyOf(core, call);
        return ciStream(core, "nightly", run.id, () => nightlySnapshot(run));
      }),
    },
    { path: "/inbox", get: shell("inbox") },
    { path: "/admin", get: shell("admin") },
    { path: "/inbox/review/:id", get: branchPage },
    {
      path: "/webhook",
      post: { guard: "none", bytes: true, run: (call) => webhook(core, loop, secret, call) },
    },
    ...(seed ? olderPaths(branchPage) : laterPaths(core, stream(true), branchPage)),
  ];
}

function branchOf(core: Core, { ids }: Call) {
  const branch = branchById(core, ids[0] ?? 0n);
  if (branch === undefined) throw plainly(404, `branch ${ids[0]} not found`);
  return branch;
}

function nightlyOf(core: Core, { ids }: Call) {
  const run = core.nightlies.find((one) => BigInt(one.id) === ids[0]);
  if (run === undefined) throw plainly(404, `nightly run ${ids[0]} not found`);
  return run;
}

const branchHtml = (core: Core, branch: ReturnType<typeof branchOf>) =>
  `<h1>${escaped(branch.name)}</h1>${branchSnapshot(core, branch, core.revision === "seed").html}`;

const nightlyPage = (core: Core, call: Call): Answer =>
  html(nightlySnapshot(nightlyOf(core, call)).html);

const feed = (core: Core) =>
  core.branches
    .map(
      ({ id, name, state }) =>
        `<a href="${core.prefix}/branch/${id}">${escaped(name)}</a> ${state}`,
    )
    .join("");

function webhook(core: Core, loop: Loop, secret: string | null, call: Call): Answer {
  if (secret === null) return text("webhook not configured", 404);
  const given = call.request.headers["x-pika-signature-256"];
  if (given === undefined) return text("missing signature", 401);
  const wanted = createHmac("sha256", secret).update(call.raw).digest();
  const [, hex = ""] = /^sha256=([0-9a-f]*)$/i.exec(String(given)) ?? [];
  const bytes = Buffer.from(hex, "hex");
  if (bytes.length !== wanted.length || !timingSafeEqual(bytes, wanted)) {
    return text("invalid signature", 401);
  }
  const lines = call.raw.toString("utf8").split("\n");
  const pushed = lines.some((line) => line.split(" ")[2]?.startsWith("refs/heads/"));
  if (core.revision === "head" && pushed) core.mirrorWanted = true;
  void loop.wake();
  return json({ status: "ok" });
}

function olderPaths(branchPage: Endpoint): Path[] {
  const noSession: Endpoint["run"] = () => {
    throw refuse(404, "no session for this tutorial");
  };
  return [
    { path: "/pr/:id", get: branchPage },
    {
      path: "/pr/:id/chat",
      get: { guard: "chat", run: noSession },
      post: { guard: "chat", body: (value) => value, run: noSession },
    },
    {
      path: "/pr/:id/regenerate",
      post: {
        guard: "admin",
        run() {
          throw refuse(404, "no tutorial artifact found for this branch");
        },
      },
    },
    { path: "/llms.txt", get: { guard: "none", run: () => text("api/prs?since_pr=&since=\n") } },
    {
      path: "/api/prs",
      get: {
        guard: "none",
        query: { since_pr: "int?", since: "text?" },
        run({ query }) {
          if (query.since !== undefined && Number.isNaN(Date.parse(String(query.since)))) {
            return text("invalid since", 400);
          }
          return json([]);
        },
      },
    },
  ];
}

function laterPaths(core: Core, full: Endpoint, branchPage: Endpoint): Path[] {
  const noChat = "no chat session for this branch tutorial";
  return [
    {
      path: "/branch/:branch_id/ci",
      get: {
        guard: "none",
        query: { review: "text?" },
        run: (call) => branchPage.run(call),
      },
    },
    { path: "/branch/:branch_id/ci/stream/full", get: full },
    {
      path: "/branch/:branch_id/chat",
      get: {
        guard: "chat",
        query: { artifact_id: "int" },
        run({ ids, query }) {
          const known = core.tutorials.some(
            (row) => BigInt(row.branchId) === ids[0] && BigInt(row.id) === query.artifact_id,
          );
          if (!known) throw refuse(404, noChat);
          return json({ messages: [] });
        },
      },
      post: {
        guard: "chat",
        body: (value) => value,
        run() {
          throw refuse(404, noChat);
        },
      },
    },
  ];
}
