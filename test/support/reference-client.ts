/**
 * The reference's client, small and strict, written from the contract's sections on its session and
 * its commands alone: it takes nothing of ours, so that a shared mistake shows. What it needs of an
 * answer must be there with its type; what may be absent must not be of another type.
 */
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decode } from "nostr-tools/nip19";
import { finalizeEvent } from "nostr-tools/pure";
import { z } from "zod";

const text = z.string();
const maybe = z.string().nullish();
const id = z.int();
const status = { status: text };

const shapes = {
  challenge: z.object({ challenge: text }),
  verify: z.object({
    token: text,
    npub: text,
    is_admin: z.boolean(),
    can_forge_write: z.boolean(),
  }),
  me: z.object({
    npub: text,
    is_admin: z.boolean(),
    can_chat: z.boolean(),
    can_forge_write: z.boolean(),
  }),
  resolve: z.object({ branch_id: id, repo: text, branch_name: text, branch_state: text }),
  landed: z.object({
    ...status,
    branch_id: id,
    merge_commit_sha: maybe,
    deleted: z.boolean().nullish(),
  }),
  laneAction: z.object({ ...status, lane_run_id: id, lane_status: text }),
  recovered: z.object({ ...status, recovered_lane_count: z.int().nonnegative() }),
  wake: z.object({ ...status, message: text }),
};

const lane = z.object({
  id,
  lane_id: text,
  title: text,
  entrypoint: text,
  status: text,
  retry_count: z.int(),
  created_at: text,
  execution_reason: text.optional(),
  execution_reason_label: maybe,
  failure_kind: maybe,
  failure_kind_label: maybe,
  pikaci_run_id: maybe,
  pikaci_target_id: maybe,
  ci_target_key: maybe,
  log_text: maybe,
  is_failed: z.boolean().nullish(),
  rerun_of_lane_run_id: id.nullish(),
  started_at: maybe,
  finished_at: maybe,
  operator_hint: maybe,
});
const detail = z.object({
  branch: z.object({
    branch_id: id,
    repo: text,
    branch_name: text,
    title: text,
    branch_state: text,
    updated_at: text,
    target_branch: text,
    head_sha: text,
    merge_base_sha: text,
    tutorial_status: text,
    ci_status: text,
    merge_commit_sha: maybe,
    error_message: maybe,
  }),
  ci_runs: z
    .array(
      z.object({
        id,
        source_head_sha: text,
        status: text,
        lane_count: z.int().nonnegative(),
        created_at: text,
        lanes: z.array(lane),
        rerun_of_run_id: id.nullish(),
        started_at: maybe,
        finished_at: maybe,
      }),
    )
    .max(8),
});
const logs = z.object({ branch_id: id, branch_name: text, run_id: id, lane });
const nightly = z.object({
  nightly_run_id: id,
  repo: text,
  scheduled_for: text,
  created_at: text,
  source_ref: text,
  source_head_sha: text,
  status: text,
  lanes: z.array(lane),
});
const session = z.object({
  base_url: text,
  token: text,
  npub: text,
  is_admin: z.boolean(),
  can_forge_write: z.boolean(),
});

type Session = z.infer<typeof session>;
type Detail = z.infer<typeof detail>;
type LaneOf = { readonly lane: string; readonly nightly?: number };

const isActive = (word: string) => word === "queued" || word === "running";
const short = (sha: string) => sha.slice(0, 12);

/** A client of one revision: SEED knows `/news`, HEAD `/git` and the lane operations. */
export function referenceClient(prefix: "/git" | "/news", stateDir: string) {
  const file = join(stateDir, "session.json");

  async function call<S extends z.ZodType>(
    shape: S,
    method: "GET" | "POST",
    path: string,
    { base_url, token }: Pick<Session, "base_url"> & Partial<Session>,
    body?: unknown,
  ): Promise<z.output<S>> {
    const url = `${base_url}${prefix}${path}`;
    const answer = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url} failed: ${answer.status} ${wordsOf(said)}`);
    return shape.parse(JSON.parse(said));
  }

  async function saved(explicit?: string): Promise<Session> {
    const stored = session.parse(JSON.parse(await readFile(file, "utf8")));
    const named = explicit?.trim() ? normal(explicit) : stored.base_url;
    if (named === stored.base_url) return stored;
    throw new Error(
      `saved session belongs to ${stored.base_url}; refusing to reuse its token for ${named}`,
    );
  }

  /** Digits are an id; anything else is resolved. */
  async function idOf(ref: string, login: Session): Promise<number> {
    const trimmed = ref.trim();
    if (trimmed === "") throw new Error("branch name or id is required");
    if (/^[+-]?\d+$/.test(trimmed)) return Number(trimmed);
    const query = new URLSearchParams({ branch_name: trimmed });
    const path = `/api/forge/branch/resolve?${query}`;
    return (await call(shapes.resolve, "GET", path, login)).branch_id;
  }

  const detailOf = async (branch: number, login: Session) =>
    call(detail, "GET", `/api/forge/branch/${branch}`, login);

  async function onLane(verb: "fail" | "requeue", ref: string | undefined, which: LaneOf) {
    const login = await saved();
    const found =
      which.nightly === undefined
        ? await laneOfBranch(await idOf(ref ?? "", login), login, which.lane)
        : await laneOfNightly(which.nightly, login, which.lane);
    const path = `${found.at}/${verb}/${found.id}`;
    const { lane_run_id } = await call(shapes.laneAction, "POST", path, login, {});
    return `${verb === "fail" ? "failed" : "requeued"} ${found.what} lane #${lane_run_id} ${which.lane}`;
  }

  async function laneOfBranch(branch: number, login: Session, name: string) {
    const { ci_runs } = await detailOf(branch, login);
    const found = ci_runs.flatMap((run) => run.lanes).find((one) => one.lane_id === name.trim());
    if (found === undefined) throw new Error(`lane \`${name}\` was not found on this branch`);
    return { id: found.id, at: `/branch/${branch}/ci`, what: `branch #${branch}` };
  }

  async function laneOfNightly(run: number, login: Session, name: string) {
    const { lanes } = await call(nightly, "GET", `/api/forge/nightly/${run}`, login);
    const found = lanes.find((one) => one.lane_id === name.trim());
    if (found === undefined) throw new Error(`lane \`${name}\` was not found`);
    return { id: found.id, at: `/nightly/${run}`, what: `nightly #${run}` };
  }

  return {
    file,

    async login(baseUrl: string, nsec: string) {
      const base_url = normal(baseUrl);
      const { challenge } = await call(shapes.challenge, "POST", "/auth/challenge", { base_url });
      const key = decode(nsec);
      if (key.type !== "nsec") throw new Error("parse Nostr signing key");
      const event = finalizeEvent(
        {
          kind: 27235,
          content: challenge,
          created_at: Math.floor(Date.now() / 1000),
          tags: [
            ["u", `${base_url}${prefix}/auth/verify`],
            ["method", "POST"],
          ],
        },
        key.data,
      );
      const body = { event: JSON.stringify(event) };
      const got = await call(shapes.verify, "POST", "/auth/verify", { base_url }, body);
      const { token, npub, is_admin, can_forge_write } = got;
      await mkdir(stateDir, { recursive: true });
      const stored = { base_url, token, npub, is_admin, can_forge_write };
      await writeFile(file, JSON.stringify(stored, null, 2));
      await chmod(file, 0o600);
      return `logged in as ${npub} forge_write=${can_forge_write} admin=${is_admin}`;
    },

    async whoami(explicit?: string) {
      const me = await call(shapes.me, "GET", "/api/me", await saved(explicit));
      return `${me.npub} forge_write=${me.can_forge_write} admin=${me.is_admin} chat=${me.can_chat}`;
    },

    async logout() {
      await rm(file);
      return "logged out";
    },

    async status(ref: string) {
      const login = await saved();
      return statusText(await detailOf(await idOf(ref, login), login));
    },

    /** Ends when nothing is active. `pause` stands for its seconds between two looks. */
    async wait(ref: string, pause: () => Promise<void>) {
      const login = await saved();
      const branch = await idOf(ref, login);
      for (;;) {
        const seen = await detailOf(branch, login);
        if (!hasActive(seen)) return settled(seen, prefix);
        await pause();
      }
    },

    async logs(ref: string, laneId?: string) {
      const login = await saved();
      const query = laneId === undefined ? "" : `?${new URLSearchParams({ lane: laneId })}`;
      const path = `/api/forge/branch/${await idOf(ref, login)}/logs${query}`;
      const found = await call(logs, "GET", path, login);
      const head = `branch #${found.branch_id} ${found.branch_name} run #${found.run_id} lane #${found.lane.id} ${found.lane.lane_id} ${found.lane.status}`;
      return found.lane.log_text?.trim()
        ? `${head}\n\n${found.lane.log_text}`
        : `${head}\nno log text available`;
    },

    async merge(ref: string, force = false) {
      const login = await saved();
      const branch = await idOf(ref, login);
      // The earlier revision has no guard of its own.
      if (prefix === "/git") {
        const seen = await detailOf(branch, login);
        if (!force) refuseRed(seen);
      }
      const path = `/api/forge/branch/${branch}/merge`;
      const body = prefix === "/git" ? {} : undefined;
      const done = await call(shapes.landed, "POST", path, login, body);
      return `merged branch #${done.branch_id} ${done.merge_commit_sha}`;
    },

    async close(ref: string) {
      const login = await saved();
      const path = `/api/forge/branch/${await idOf(ref, login)}/close`;
      const done = await call(shapes.landed, "POST", path, login, {});
      return `closed branch #${done.branch_id} deleted=${done.deleted}`;
    },

    failLane: (ref: string | undefined, which: LaneOf) => onLane("fail", ref, which),
    requeueLane: (ref: string | undefined, which: LaneOf) => onLane("requeue", ref, which),

    async recoverRun(which: { ref: string } | { nightly: number }) {
      const login = await saved();
      if ("nightly" in which) {
        const path = `/nightly/${which.nightly}/recover`;
        const { recovered_lane_count } = await call(shapes.recovered, "POST", path, login, {});
        return `recovered nightly #${which.nightly} lanes=${recovered_lane_count}`;
      }
      const branch = await idOf(which.ref, login);
      const [run] = (await detailOf(branch, login)).ci_runs;
      if (run === undefined) throw new Error("branch has no recorded ci runs");
      const path = `/branch/${branch}/ci/recover/${run.id}`;
      const { recovered_lane_count } = await call(shapes.recovered, "POST", path, login, {});
      return `recovered branch #${branch} run #${run.id} lanes=${recovered_lane_count}`;
    },

    async wakeCi() {
      return (await call(shapes.wake, "POST", "/api/forge/ci/wake", await saved(), {})).message;
    },
  };
}

function normal(baseUrl: string): string {
  return new URL(baseUrl.trim()).href.replace(/\/+$/, "");
}

/** The JSON `error`, else the text. */
function wordsOf(said: string): string {
  try {
    return z.object({ error: text }).parse(JSON.parse(said)).error;
  } catch {
    return said.trim();
  }
}

function hasActive({ branch, ci_runs }: Detail): boolean {
  return (
    isActive(branch.ci_status) ||
    ci_runs.some((run) => isActive(run.status) || run.lanes.some((one) => isActive(one.status)))
  );
}

function settled(seen: Detail, prefix: string): string {
  const [run] = seen.ci_runs;
  const { head_sha, ci_status } = seen.branch;
  if (prefix === "/git" && run !== undefined && run.source_head_sha !== head_sha) {
    throw new Error(`branch ci settled on stale head ${short(run.source_head_sha)}`);
  }
  if (ci_status !== "success") throw new Error(`branch ci settled with status ${ci_status}`);
  return statusText(seen);
}

function refuseRed(seen: Detail): void {
  const { branch_id, head_sha, ci_status } = seen.branch;
  const [run] = seen.ci_runs;
  if (run !== undefined && run.source_head_sha !== head_sha) {
    throw new Error(`refusing to merge branch #${branch_id} because the latest run is stale`);
  }
  if (ci_status === "success" || hasActive(seen)) return;
  throw new Error(`refusing to merge branch #${branch_id} because ci is ${ci_status}`);
}

function statusText({ branch, ci_runs }: Detail): string {
  const { branch_id, branch_name, branch_state, tutorial_status, ci_status } = branch;
  const first = `branch #${branch_id} ${branch_name} ${branch_state} tutorial=${tutorial_status} ci=${ci_status}`;
  const [run] = ci_runs;
  if (run === undefined) return `${first}\nci runs: none yet`;
  const lanes = run.lanes.map((one) => `- ${one.lane_id} ${one.status}`);
  return [first, `run #${run.id} ${run.status} head ${short(run.source_head_sha)}`, ...lanes].join(
    "\n",
  );
}
