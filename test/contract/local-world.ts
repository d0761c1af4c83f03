import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { importCommit } from "../support/reference/git.ts";
import { newKey, startTestForge } from "../support/server.ts";
import { askForge } from "./ask.ts";
import { tokenFor } from "./logins.ts";
import { sharedBranches } from "./shared-branches.ts";
import type { Fate, Pushed, Reply, Revision, Who, World } from "./world.ts";

const execute = promisify(execFile);

/** A lane that does what a file in the tree says: fails, goes on until it is stopped, or passes. */
const lane = (kind: string) =>
  `command = ["sh", "-c", "echo at it; test ! -e ${kind}-fails || exit 1; test ! -e ${kind}-stays || exec tail -f /dev/null"]`;
const manifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "check"
title = "Check"
entrypoint = "just check"
${lane("branch")}

[[nightly.lanes]]
id = "nightly-all"
title = "All"
entrypoint = "just all"
${lane("nightly")}
`;

const secret = "the contract's secret";
const patience = 20_000;

/** The local forge at one prefix as a world, with its lanes really run. */
export async function localWorld(revision: Revision): Promise<World> {
  const prefix = revision === "seed" ? "/news" : "/git";
  let late = 0;
  const forge = await startTestForge({
    manifest,
    settings: { ciConcurrency: 16, laneTimeoutSeconds: 600, webhookSecret: secret },
    server: { clock: { now: () => new Date(Date.now() + late) } },
  });
  const keys = { admin: forge.owner, writer: forge.agent, reader: newKey() };
  const tokens = new Map<Who, Promise<string>>();
  const { origin } = forge;
  const token = (who: Who) => {
    const known = tokens.get(who) ?? tokenFor(world, keys[who].nsec);
    tokens.set(who, known);
    return known;
  };
  const read = async (path: string): Promise<Reply["json"]> => {
    const reply = await world.ask({ method: "GET", path, as: "writer" });
    return reply.status === 200 ? reply.json : undefined;
  };
  const state: Record<Fate, (status: string) => boolean> = {
    success: (status) => status === "success",
    failed: (status) => status === "failed",
    running: (status) => status === "running",
    queued: (status) => status === "queued",
  };
  const bare = forge.config.repositoryDir;
  const git = async (...args: string[]) =>
    (await execute("git", [`--git-dir=${bare}`, ...args], { env: forge.env })).stdout.trim();
  const branchOf = async (name: string) => {
    const query = `?branch_name=${encodeURIComponent(name)}`;
    const found = await read(`/api/forge/branch/resolve${query}`);
    return found === undefined ? undefined : read(`/api/forge/branch/${found.branch_id}`);
  };
  /** Another look after each of the forge's events. */
  const until = async <Found>(look: () => Promise<Found | undefined>): Promise<Found> => {
    const stop = AbortSignal.timeout(patience);
    const events = await fetch(`${origin}/git/api/forge/events`, {
      headers: { authorization: `Bearer ${await token("writer")}` },
      signal: stop,
    });
    for await (const _event of events.body ?? []) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error("the forge's events ended");
  };
  const known = (name: string, head: string, fate: Fate) =>
    until(async (): Promise<Pushed | undefined> => {
      const detail = await branchOf(name);
      const run = detail?.ci_runs[0];
      const lane = run?.lanes[0];
      if (detail?.branch.head_sha !== head || run?.source_head_sha !== head) return undefined;
      if (lane === undefined || !state[fate](lane.status) || !state[fate](run.status)) {
        return undefined;
      }
      // A superseded run ends soon after.
      const others: { status: string }[] = detail.ci_runs.slice(1);
      if (others.some((one) => state.queued(one.status) || state.running(one.status))) {
        return undefined;
      }
      const id = detail.branch.branch_id;
      return { name, id, head, runId: run.id, laneRunId: lane.id, laneId: lane.lane_id };
    });
  const main = "refs/heads/main";
  const put = (name: string, files: Readonly<Record<string, string>>) => {
    const ref = `refs/heads/${name}`;
    return importCommit(bare, forge.env, { ref, parent: main, files, subject: "Change something" });
  };
  const wake = async () => {
    const reply = await world.ask({ method: "POST", path: "/api/forge/ci/wake", as: "writer" });
    if (reply.status !== 200) throw new Error(`wake: ${reply.status} ${reply.text}`);
  };
  const marks = (kind: string, fate: Fate): Record<string, string> => {
    if (fate === "failed") return { [`${kind}-fails`]: "" };
    return fate === "running" ? { [`${kind}-stays`]: "" } : {};
  };
  const world: World = {
    name: "local",
    revision,
    prefix,
    origin,
    slug: forge.config.repo,
    target: "main",
    how: { exactKeys: false, isoTimes: true, words: false },
    keys,
    webhookSecret: secret,
    token,
    ask: (call) => askForge({ origin, prefix }, call, token),
    async push(name, fate, files = {}) {
      forge.settings.ciConcurrency = fate === "queued" ? 0 : 16;
      const own = { [`files/${name}.txt`]: `${name} ${fate}\n` };
      const head = await put(name, { ...own, ...marks("branch", fate), ...files });
      await wake();
      return known(name, head, fate);
    },
    shared: sharedBranches(() => world),
    async moveTarget(files) {
      const moved = await world.push(`mover-${Date.now()}`, "success", files);
      const path = `/api/forge/branch/${moved.id}/merge`;
      const reply = await world.ask({ method: "POST", path, as: "writer" });
      if (reply.status !== 200) throw new Error(`the target did not move: ${reply.text}`);
    },
    async moveBehind(name, files) {
      if (files === null) {
        await git("update-ref", "-d", `refs/heads/${name}`);
        return;
      }
      await put(name, files);
    },
    async deleteBranch(name) {
      await git("update-ref", "-d", `refs/heads/${name}`);
      await wake();
      await until(async () => {
        const detail = await branchOf(name);
        return detail?.branch.branch_state === "open" ? undefined : true;
      });
    },
    async finish(pushed, fate) {
      const reply = await world.ask({
        method: "POST",
        path: `/branch/${pushed.id}/ci/fail/${pushed.laneRunId}`,
        as: "writer",
      });
      if (fate !== "failed" || reply.status !== 200) throw new Error(`not ended: ${reply.text}`);
    },
    async tutorial({ id, head }) {
      const step = {
        title: "One",
        intent: "To show",
        affected_files: ["a.txt"],
        evidence_snippets: ["@@ -0,0 +1 @@"],
        body_markdown: "",
      };
      const reply = await world.ask({
        method: "POST",
        path: `/api/forge/branch/${id}/tutorial`,
        as: "writer",
        body: { head_sha: head, executive_summary: "All of it.", steps: [step] },
      });
      if (reply.status !== 200) throw new Error(`no tutorial: ${reply.status} ${reply.text}`);
    },
    async nightly(fate) {
      forge.settings.ciConcurrency = fate === "queued" ? 0 : 16;
      const files = marks("nightly", fate);
      if (Object.keys(files).length > 0) await world.moveTarget(files);
      const begun = await world.ask({ method: "POST", path: "/api/forge/nightly", as: "writer" });
      if (begun.status !== 200) throw new Error(`no nightly: ${begun.status} ${begun.text}`);
      const id = begun.json.nightly_run_id;
      return until(async () => {
        const run = await read(`/api/forge/nightly/${id}`);
        const lane = run?.lanes[0];
        if (lane === undefined || !state[fate](lane.status)) return undefined;
        const { source_head_sha: head } = run;
        return { id, head, laneRunId: lane.id, laneId: lane.lane_id };
      });
    },
    git,
    async expireTokens() {
      late = 91 * 24 * 3600 * 1000;
    },
    close: () => forge.close(),
  };
  const reader = { npub: keys.reader.npub, active: true, can_forge_write: false };
  const reply = await world.ask({
    method: "POST",
    path: "/api/admin/allowlist",
    as: "admin",
    body: reader,
  });
  if (reply.status !== 200) throw new Error(`the reader was not let in: ${reply.text}`);
  return world;
}
