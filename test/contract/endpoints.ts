import type { Revision } from "./world.ts";

export type Guard = "none" | "token" | "inbox" | "trusted" | "admin";

/** One row of the document's index. `ID`, `LANE` and `RUN` stand for 64-bit integers. */
export interface Endpoint {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly on: readonly Revision[];
  readonly guard: Guard;
  /** It reads a JSON body; this one is right. */
  readonly body?: unknown;
  /** What its path needs after it to be understood. */
  readonly query?: string;
  /** The local forge does not serve it: the row that says so. */
  readonly unserved?: string;
}

const both: readonly Revision[] = ["seed", "head"];
const head: readonly Revision[] = ["head"];
const seed: readonly Revision[] = ["seed"];
const chat = "Chat and pull requests";

const get = (path: string, guard: Guard, on = both, more: Partial<Endpoint> = {}): Endpoint => ({
  method: "GET",
  path,
  guard,
  on,
  ...more,
});
const post = (path: string, guard: Guard, on = both, more: Partial<Endpoint> = {}): Endpoint => ({
  method: "POST",
  path,
  guard,
  on,
  ...more,
});

/** Section 2.0. */
export const endpoints: readonly Endpoint[] = [
  get("", "none"),
  get("/branch/ID", "none"),
  get("/branch/ID/ci", "none", head),
  get("/branch/ID/ci/stream", "none"),
  get("/branch/ID/ci/stream/full", "none", head),
  get("/nightly/ID", "none"),
  get("/nightly/ID/stream", "none"),
  get("/pr/ID", "none", seed),
  get("/inbox", "none"),
  get("/admin", "none"),
  get("/inbox/review/ID", "none"),
  post("/branch/ID/merge", "trusted"),
  post("/api/forge/branch/ID/merge", "trusted"),
  post("/branch/ID/close", "trusted"),
  post("/api/forge/branch/ID/close", "trusted"),
  post("/branch/ID/ci/rerun/LANE", "trusted"),
  post("/branch/ID/ci/fail/LANE", "trusted", head),
  post("/branch/ID/ci/requeue/LANE", "trusted", head),
  post("/branch/ID/ci/recover/RUN", "trusted", head),
  post("/nightly/ID/rerun/LANE", "trusted"),
  post("/nightly/ID/fail/LANE", "trusted", head),
  post("/nightly/ID/requeue/LANE", "trusted", head),
  post("/nightly/ID/recover", "trusted", head),
  post("/api/forge/ci/wake", "trusted", head),
  get("/api/me", "token"),
  get("/api/forge/branch/resolve", "token", both, { query: "branch_name=none" }),
  get("/api/forge/branch/ID", "token"),
  get("/api/forge/branch/ID/logs", "token"),
  get("/api/forge/nightly/ID", "token", head),
  get("/api/forge/pikaci/run/none", "token", head),
  get("/api/forge/pikaci/logs/none", "token", head),
  get("/api/forge/pikaci/prepared-outputs/none", "token", head),
  get("/api/inbox", "inbox"),
  get("/api/inbox/count", "inbox"),
  post("/api/inbox/dismiss", "inbox", both, { body: { branch_ids: [] } }),
  get("/api/inbox/neighbors/ID", "inbox"),
  post("/api/inbox/reviewed/ID", "inbox", head),
  get("/api/admin/allowlist", "admin"),
  post("/api/admin/allowlist", "admin", both, { body: { npub: "x", active: true } }),
  get("/api/admin/forge-status", "admin"),
  post("/api/admin/mirror/sync", "admin"),
  post("/auth/challenge", "none"),
  post("/auth/verify", "none", both, { body: { event: "{}" } }),
  get("/pr/ID/chat", "inbox", seed, { unserved: chat }),
  post("/pr/ID/chat", "inbox", seed, { unserved: chat, body: { message: "" } }),
  get("/branch/ID/chat", "inbox", head, { unserved: chat, query: "artifact_id=1" }),
  post("/branch/ID/chat", "inbox", head, {
    unserved: chat,
    body: { artifact_id: 1, message: "" },
  }),
  post("/pr/ID/regenerate", "admin", seed, { unserved: chat }),
  post("/webhook", "none"),
  get("/llms.txt", "none", seed, { unserved: chat }),
  get("/api/prs", "none", seed, { unserved: chat }),
];

/** The path with an id that nothing has in every place. */
export const filled = (path: string, id: string | number = 404_404) =>
  path.replace(/ID|LANE|RUN/g, String(id));

/** Paths by themselves, with the methods they have at a revision. */
export function methodsOf(revision: Revision): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>();
  for (const { path, method, on } of endpoints) {
    if (!on.includes(revision)) continue;
    const known = methods.get(path) ?? new Set();
    methods.set(path, known.add(method));
  }
  return methods;
}
