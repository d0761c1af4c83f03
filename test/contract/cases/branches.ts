import { answers, type Case, plainly, refuses, row } from "../case.ts";
import { is, keys, sha, sqlTime, str, tuple, words } from "../match.ts";
import { ciLane, ciRun, detail } from "../shapes.ts";
import type { Pushed, World } from "../world.ts";

const resolve = (name: string) => `/api/forge/branch/resolve?branch_name=${name}`;
const detailOf = (id: number) => ({
  method: "GET",
  path: `/api/forge/branch/${id}`,
  as: "reader" as const,
});
const found = ({ id, name }: Pushed, world: World, state = "open") =>
  answers(
    keys({
      branch_id: is(id),
      repo: is(world.slug),
      branch_name: is(name),
      branch_state: is(state),
    }),
  );
const green = (world: World) => world.shared("success");

/** Posts as the writer and wants it done. */
export async function act(world: World, path: string): Promise<void> {
  const reply = await world.ask({ method: "POST", path, as: "writer" });
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
}

const resolveCases: Case[] = [
  row<Pushed>({
    section: "2.1",
    name: "a name leads to its record",
    arrange: green,
    call: ({ name }) => ({ method: "GET", path: resolve(name), as: "reader" }),
    expect: found,
  }),
  row<Pushed>({
    section: "2.1",
    name: "a name is trimmed",
    arrange: green,
    call: ({ name }) => ({ method: "GET", path: resolve(`%20${name}%09`), as: "reader" }),
    expect: found,
  }),
  row<Pushed>({
    section: "2.1",
    name: "a name may have slashes and signs",
    arrange: (world, unique) => world.push(`feat/${unique}+ä`, "success"),
    call: ({ name }) => ({
      method: "GET",
      path: resolve(encodeURIComponent(name)),
      as: "reader",
    }),
    expect: found,
  }),
  ...["%20", "", "%09%0A"].map((blank) =>
    row({
      section: "2.1",
      name: `a blank name (${blank || "nothing"}) is missed`,
      call: () => ({ method: "GET", path: resolve(blank), as: "reader" }),
      expect: refuses(400, "branch_name is required"),
    }),
  ),
  row({
    section: "2.1",
    name: "without a name the framework answers",
    call: () => ({ method: "GET", path: "/api/forge/branch/resolve", as: "reader" }),
    expect: plainly(400, /^Failed to deserialize query string: /),
  }),
  row<Pushed>({
    section: "2.1",
    name: "letters' case matters",
    arrange: green,
    call: ({ name }) => ({ method: "GET", path: resolve(name.toUpperCase()), as: "reader" }),
    expect: refuses(404, "branch not found"),
  }),
  ...["none", "main", "master", "refs/heads/none"].map((name) =>
    row({
      section: "2.1",
      name: `${name} is no branch`,
      call: () => ({ method: "GET", path: resolve(encodeURIComponent(name)), as: "reader" }),
      expect: refuses(404, "branch not found"),
    }),
  ),
  row<{ first: Pushed; second: Pushed }>({
    section: "4.7",
    name: "a name pushed again after its end is a new record with a higher id",
    async arrange(world, unique) {
      const first = await world.push(unique, "success");
      await act(world, `/api/forge/branch/${first.id}/close`);
      return { first, second: await world.push(unique, "success", { again: unique }) };
    },
    call: ({ first }) => ({ method: "GET", path: resolve(first.name), as: "reader" }),
    expect: ({ second }, world) => found(second, world),
    async after({ first, second }, world) {
      if (second.id <= first.id) throw new Error(`${second.id} comes after ${first.id}`);
      const old = await world.ask(detailOf(first.id));
      if (old.json?.branch?.branch_state !== "closed") throw new Error(old.text);
    },
  }),
  row<Pushed>({
    section: "4.3",
    name: "a deleted branch is closed",
    async arrange(world, unique) {
      const pushed = await world.push(unique, "success");
      await world.deleteBranch(unique);
      return pushed;
    },
    call: ({ name }) => ({ method: "GET", path: resolve(name), as: "reader" }),
    expect: (pushed, world) => found(pushed, world, "closed"),
  }),
];

const detailCases: Case[] = [
  ...(["success", "failed", "running", "queued"] as const).map((fate) =>
    row<Pushed>({
      section: "2.2",
      name: `a branch whose CI is ${fate}`,
      // One that waits would be run as soon as there is room again.
      arrange: (world, unique) =>
        fate === "queued" ? world.push(unique, fate) : world.shared(fate),
      call: ({ id }) => detailOf(id),
      expect: (pushed, world) => {
        const ended = fate === "success" || fate === "failed";
        const end = ended ? sqlTime : is(null);
        const lane = {
          id: is(pushed.laneRunId),
          status: is(fate),
          finished_at: end,
          started_at: fate === "queued" ? is(null) : sqlTime,
        };
        return answers(
          detail(world, {
            branch: {
              branch_id: is(pushed.id),
              branch_name: is(pushed.name),
              branch_state: is("open"),
              head_sha: is(pushed.head),
              merge_commit_sha: is(null),
              ci_status: is(fate),
            },
            runs: tuple(
              ciRun(world, {
                id: is(pushed.runId),
                source_head_sha: is(pushed.head),
                status: is(fate),
                lane_count: is(1),
                rerun_of_run_id: is(null),
                finished_at: end,
                lanes: tuple(ciLane(world, "branch", lane)),
              }),
            ),
          }),
        );
      },
    }),
  ),
  row<Pushed>({
    section: "2.2",
    name: "tones, labels and kinds of a failed lane",
    on: ["head"],
    arrange: (world) => world.shared("failed"),
    call: ({ id }) => detailOf(id),
    expect: (_pushed, world) =>
      answers(
        detail(world, {
          runs: tuple(
            ciRun(world, {
              status_tone: is("danger"),
              timing_summary: str,
              lanes: tuple(
                ciLane(world, "branch", {
                  status_tone: is("danger"),
                  execution_reason: is("running"),
                  execution_reason_label: is("running"),
                  failure_kind: is("test_failure"),
                  failure_kind_label: is("test failure"),
                  operator_hint: (value, at, how) =>
                    typeof value === "string" &&
                    /^Failed at \S.*\. Classified as test failure\.$/.test(value)
                      ? []
                      : words(/^Failed at/)(value, at, { ...how, words: true }),
                  log_text: str,
                }),
              ),
            }),
          ),
        }),
      ),
  }),
  row<Pushed>({
    section: "2.2",
    name: "tones and hints of a running lane",
    on: ["head"],
    arrange: (world) => world.shared("running"),
    call: ({ id }) => detailOf(id),
    expect: (_pushed, world) =>
      answers(
        detail(world, {
          runs: tuple(
            ciRun(world, {
              status_tone: is("warning"),
              lanes: tuple(
                ciLane(world, "branch", {
                  status_tone: is("warning"),
                  execution_reason: is("running"),
                  failure_kind: is(null),
                  last_heartbeat_at: sqlTime,
                  lease_expires_at: sqlTime,
                  operator_hint: words(/^Running with lease until /),
                }),
              ),
            }),
          ),
        }),
      ),
  }),
  row<Pushed>({
    section: "2.2",
    name: "a merged branch",
    arrange: (world) => world.shared("merged"),
    call: ({ id }) => detailOf(id),
    expect: ({ head }, world) =>
      answers(
        detail(world, {
          branch: {
            branch_state: is("merged"),
            head_sha: is(head),
            merge_commit_sha: sha,
            updated_at: sqlTime,
            ci_status: is("success"),
          },
        }),
      ),
  }),
  row<Pushed>({
    section: "2.2",
    name: "a closed branch",
    arrange: (world) => world.shared("closed"),
    call: ({ id }) => detailOf(id),
    expect: (_pushed, world) =>
      answers(
        detail(world, {
          branch: {
            branch_state: is("closed"),
            merge_commit_sha: is(null),
            updated_at: sqlTime,
            ci_status: is("failed"),
          },
        }),
      ),
  }),
  row<Pushed>({
    section: "2.2",
    name: "at most eight runs, newest first",
    async arrange(world, unique) {
      const pushed = await world.push(unique, "queued");
      await world.finish(pushed, "failed");
      let { laneRunId } = pushed;
      for (let round = 0; round < 9; round += 1) {
        await act(world, `/branch/${pushed.id}/ci/rerun/${laneRunId}`);
        const reply = await world.ask(detailOf(pushed.id));
        const newest = Math.max(...reply.json.ci_runs.map((run: { id: number }) => run.id));
        const run = reply.json.ci_runs.find((one: { id: number }) => one.id === newest);
        laneRunId = run.lanes[0].id;
        await world.finish({ ...pushed, laneRunId }, "failed");
      }
      return pushed;
    },
    call: ({ id }) => detailOf(id),
    expect: (_pushed, world) => answers(detail(world)),
    async after(_pushed, _world, { json }) {
      const ids: number[] = json.ci_runs.map((run: { id: number }) => run.id);
      const sorted = [...ids].sort((a, b) => b - a);
      if (ids.length !== 8 || ids.join() !== sorted.join()) throw new Error(`runs ${ids}`);
    },
  }),
  row<Pushed>({
    section: "4.3",
    name: "a new head keeps the id and gets a run of its own, which comes first",
    async arrange(world, unique) {
      const first = await world.push(unique, "success");
      const second = await world.push(unique, "success", { more: unique });
      if (second.id !== first.id) throw new Error("a new record");
      return second;
    },
    call: ({ id }) => detailOf(id),
    expect: ({ head }, world) =>
      answers(
        detail(world, {
          branch: { head_sha: is(head) },
          runs: tuple(ciRun(world, { source_head_sha: is(head) }), ciRun(world)),
        }),
      ),
  }),
];

const tutorialCases: Case[] = [
  row<Pushed>({
    section: "3.2",
    name: "a branch without a tutorial waits for one",
    arrange: green,
    call: ({ id }) => detailOf(id),
    expect: (_pushed, world) =>
      answers(
        detail(world, { branch: { tutorial_status: is("pending"), error_message: is(null) } }),
      ),
  }),
  row<Pushed>({
    section: "3.2",
    name: "a stored tutorial is ready",
    async arrange(world, unique) {
      const pushed = await world.push(unique, "success");
      await world.tutorial(pushed);
      return pushed;
    },
    call: ({ id }) => detailOf(id),
    expect: (_pushed, world) =>
      answers(detail(world, { branch: { tutorial_status: is("ready") } })),
  }),
  row<Pushed>({
    section: "3.3",
    name: "unfinished lanes of an older head do not change what its newest run says",
    async arrange(world, unique) {
      await world.push(unique, "running");
      return world.push(unique, "success", { more: unique });
    },
    call: ({ id }) => detailOf(id),
    expect: (_pushed, world) =>
      answers(
        detail(world, {
          branch: { ci_status: is("success") },
          runs: tuple(
            ciRun(world, { status: is("success") }),
            ciRun(world, { status: is("running") }),
          ),
        }),
      ),
    differs: {
      row: "New head",
      expect: (_pushed, world) =>
        answers(
          detail(world, {
            branch: { ci_status: is("success") },
            runs: tuple(
              ciRun(world, { status: is("success") }),
              ciRun(world, {
                status: is("failed"),
                lanes: tuple(ciLane(world, "branch", { failure_kind: is("superseded") })),
              }),
            ),
          }),
        ),
    },
  }),
];

export const branchCases: readonly Case[] = [...resolveCases, ...detailCases, ...tutorialCases];
