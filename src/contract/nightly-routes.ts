import * as ci from "./ci.ts";
import * as nightly from "./nightly.ts";
import * as request from "./request.ts";
import type { Route } from "./route.ts";
import * as runner from "./runner.ts";

const ofNightly = "/nightly/{nightly_run_id}";

/** Nightly runs, the runs of external runners, and the webhook. */
export const nightlyRoutes = {
  nightlies: {
    method: "get",
    paths: ["/api/forge/nightlies"],
    guard: "reader",
    summary: "Nightly runs, latest first.",
    query: request.nightlyListQuery,
    answer: nightly.nightlyListAnswer,
    added: true,
  },
  startNightly: {
    method: "post",
    paths: ["/api/forge/nightly"],
    guard: "writer",
    summary: "Run the nightly lanes of the target's manifest now.",
    answer: nightly.nightlyStartAnswer,
    added: true,
  },
  nightly: {
    method: "get",
    paths: ["/api/forge/nightly/{nightly_run_id}"],
    guard: "reader",
    summary: "A nightly run with its lanes and the ends of their logs.",
    query: request.detailQuery,
    answer: nightly.nightlyAnswer,
  },
  rerunNightlyLane: {
    method: "post",
    paths: [`${ofNightly}/rerun/{lane_run_id}`],
    guard: "writer",
    summary: "Run one finished lane of a nightly again, as a nightly of its own.",
    answer: nightly.nightlyRerunAnswer,
  },
  failNightlyLane: {
    method: "post",
    paths: [`${ofNightly}/fail/{lane_run_id}`],
    guard: "writer",
    summary: "Mark a queued or running lane of a nightly as failed.",
    answer: ci.laneActionAnswer,
  },
  requeueNightlyLane: {
    method: "post",
    paths: [`${ofNightly}/requeue/{lane_run_id}`],
    guard: "writer",
    summary: "Put a lane of a nightly back into the queue.",
    answer: ci.laneActionAnswer,
  },
  rerunNightly: {
    method: "post",
    paths: [`${ofNightly}/rerun`],
    guard: "writer",
    summary: "Run all lanes of a nightly again, as a nightly of its own.",
    answer: nightly.nightlyRerunAnswer,
    added: true,
  },
  cancelNightlyLane: {
    method: "post",
    paths: [`${ofNightly}/cancel/{lane_run_id}`],
    guard: "writer",
    summary: "Stop a queued or running lane of a nightly.",
    answer: ci.laneActionAnswer,
    added: true,
  },
  cancelNightly: {
    method: "post",
    paths: [`${ofNightly}/cancel`],
    guard: "writer",
    summary: "Stop a nightly's lanes that wait or run.",
    answer: ci.cancelRunAnswer,
    added: true,
  },
  recoverNightly: {
    method: "post",
    paths: [`${ofNightly}/recover`],
    guard: "writer",
    summary: "Requeue the lanes of a nightly that have not ended or failed.",
    answer: ci.recoverAnswer,
  },
  runnerRun: {
    method: "get",
    paths: ["/api/forge/pikaci/run/{executor_run}"],
    guard: "reader",
    summary: "What the forge knows of an external runner's run.",
    answer: runner.runnerRun,
  },
  runnerLogs: {
    method: "get",
    paths: ["/api/forge/pikaci/logs/{executor_run}"],
    guard: "reader",
    summary: "The end of the log of an external runner's run.",
    query: runner.runnerLogsQuery,
    answer: runner.runnerLogs,
  },
  runnerPreparedOutputs: {
    method: "get",
    paths: ["/api/forge/pikaci/prepared-outputs/{executor_run}"],
    guard: "reader",
    summary: "What an external runner's run prepared. Lanes here prepare nothing: always 404.",
    answer: runner.runnerPreparedOutputs,
  },
  webhook: {
    method: "post",
    paths: ["/webhook"],
    guard: "none",
    summary: "Look at the refs now; signed with the owner's webhook secret.",
    answer: ci.webhookAnswer,
  },
} as const satisfies Record<string, Route>;
