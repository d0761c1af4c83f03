import { failByHand, newNightly, recover, requeue } from "./ci.ts";
import { msTime } from "./clock.ts";
import { type Core, isActive } from "./core.ts";
import type { Loop } from "./ingest.ts";
import { refuse } from "./refusal.ts";
import { type Endpoint, json, type Path, text } from "./router.ts";
import { alreadyEnded, notAgain } from "./routes-branch.ts";
import type { LaneRow, NightlyRow, RunnerRecord } from "./types.ts";
import { nightlyDetail } from "./wire.ts";

export function nightlyPaths(core: Core, loop: Loop): Path[] {
  const rerun: Endpoint = {
    guard: "trusted",
    run({ ids }) {
      const { run, lane } = laneOf(core, ids);
      if (isActive(lane.status)) throw refuse(409, `lane ${lane.laneId} is still ${lane.status}`);
      const scheduledFor = msTime(core.clock.now());
      const made = newNightly(core, { head: run.head, scheduledFor, from: { run, lane } });
      void loop.wake();
      return json({ status: "ok", nightly_run_id: run.id, rerun_run_id: made.id });
    },
  };
  const always = [{ path: "/nightly/:nightly_run_id/rerun/:lane_run_id", post: rerun }];
  return core.revision === "seed" ? always : [...always, ...laterPaths(core, loop)];
}

function nightlyOf(core: Core, id: bigint | undefined): NightlyRow {
  const run = core.nightlies.find((one) => BigInt(one.id) === id);
  if (run === undefined) throw refuse(404, "nightly run not found");
  return run;
}

function laneOf(core: Core, ids: readonly bigint[]): { run: NightlyRow; lane: LaneRow } {
  const run = core.nightlies.find((one) => BigInt(one.id) === ids[0]);
  const lane = run?.lanes.find((one) => BigInt(one.id) === ids[1]);
  if (run === undefined || lane === undefined) throw refuse(404, "nightly lane not found");
  return { run, lane };
}

function laterPaths(core: Core, loop: Loop): Path[] {
  const answer = (run: NightlyRow, lane: LaneRow) => {
    void loop.wake();
    return json({
      status: "ok",
      branch_id: null,
      nightly_run_id: run.id,
      lane_run_id: lane.id,
      lane_status: lane.status,
    });
  };
  const failIt: Endpoint = {
    guard: "trusted",
    run({ ids, rights }) {
      const { run, lane } = laneOf(core, ids);
      if (!isActive(lane.status)) throw refuse(409, alreadyEnded(lane));
      failByHand(core, run, lane, rights().npub);
      return answer(run, lane);
    },
  };
  const requeueIt: Endpoint = {
    guard: "trusted",
    run({ ids }) {
      const { run, lane } = laneOf(core, ids);
      if (lane.status === "success" || lane.status === "skipped") {
        throw refuse(409, notAgain(lane));
      }
      requeue(core, run, lane);
      return answer(run, lane);
    },
  };
  const recoverIt: Endpoint = {
    guard: "trusted",
    run({ ids }) {
      const run = nightlyOf(core, ids[0]);
      const count = recover(core, run);
      void loop.wake();
      return json({
        status: "ok",
        branch_id: null,
        run_id: null,
        nightly_run_id: run.id,
        recovered_lane_count: count,
      });
    },
  };
  return [
    { path: "/nightly/:nightly_run_id/fail/:lane_run_id", post: failIt },
    { path: "/nightly/:nightly_run_id/requeue/:lane_run_id", post: requeueIt },
    { path: "/nightly/:nightly_run_id/recover", post: recoverIt },
    {
      path: "/api/forge/nightly/:nightly_run_id",
      get: { guard: "token", run: ({ ids }) => json(nightlyDetail(core, nightlyOf(core, ids[0]))) },
    },
    ...runnerPaths(core),
  ];
}

function runnerPaths(core: Core): Path[] {
  const record = (id: string | undefined): RunnerRecord => {
    const found = core.runners.get(id ?? "");
    if (found === undefined) throw refuse(404, `read run record for run \`${id}\``);
    return found;
  };
  return [
    {
      path: "/api/forge/pikaci/run/*run_id",
      get: { guard: "token", run: ({ texts }) => json(record(texts[0]).record) },
    },
    {
      path: "/api/forge/pikaci/logs/*run_id",
      get: {
        guard: "token",
        query: { job: "text?", kind: "text?" },
        run({ texts, query }) {
          const kind = query.kind ?? "both";
          if (!["host", "guest", "both"].includes(String(kind))) {
            return text("Failed to deserialize query string: unknown variant", 400);
          }
          const jobs = record(texts[0]).jobs ?? {};
          const job = query.job ?? Object.keys(jobs)[0];
          const found = jobs[String(job)];
          if (found === undefined) throw refuse(404, `job \`${job}\` not found`);
          return json({
            run_id: texts[0],
            job: query.job ?? null,
            host: kind === "guest" ? null : (found.host ?? null),
            guest: kind === "host" ? null : (found.guest ?? null),
          });
        },
      },
    },
    {
      path: "/api/forge/pikaci/prepared-outputs/*run_id",
      get: {
        guard: "token",
        run({ texts }) {
          const outputs = record(texts[0]).preparedOutputs;
          if (outputs === undefined) {
            throw refuse(404, `prepared outputs not found for run \`${texts[0]}\``);
          }
          return json({ run_id: texts[0], prepared_outputs: outputs });
        },
      },
    },
  ];
}
