import { accessRoutes } from "./access-routes.ts";
import * as auth from "./auth.ts";
import * as branch from "./branch.ts";
import * as ci from "./ci.ts";
import * as forge from "./forge.ts";
import { nightlyRoutes } from "./nightly-routes.ts";
import * as request from "./request.ts";
import type { Route } from "./route.ts";

export type { Guard, Route } from "./route.ts";

const ids = "/branch/{branch_id}";

/** Every JSON and event endpoint below a prefix. More special paths come before general ones. */
export const routes = {
  challenge: {
    method: "post",
    paths: ["/auth/challenge"],
    guard: "none",
    summary: "A challenge to sign, good once and for two minutes.",
    answer: auth.challengeAnswer,
  },
  verify: {
    method: "post",
    paths: ["/auth/verify"],
    guard: "none",
    summary: "Log in with a signed event of kind 27235.",
    body: { schema: auth.verifyRequest, optional: false },
    answer: auth.verifyAnswer,
  },
  logout: {
    method: "post",
    paths: ["/auth/logout"],
    guard: "token",
    summary: "End the token.",
    answer: auth.logoutAnswer,
    added: true,
  },
  me: {
    method: "get",
    paths: ["/api/me"],
    guard: "token",
    summary: "Whose token it is and what its key may do now.",
    answer: auth.meAnswer,
  },
  about: {
    method: "get",
    paths: ["/api/forge/about"],
    guard: "none",
    summary: "What runs here.",
    answer: forge.aboutAnswer,
    added: true,
  },
  branches: {
    method: "get",
    paths: ["/api/forge/branches"],
    guard: "reader",
    summary: "Branches, newest change first.",
    query: request.branchListQuery,
    answer: branch.branchListAnswer,
    added: true,
  },
  resolve: {
    method: "get",
    paths: ["/api/forge/branch/resolve"],
    guard: "reader",
    summary: "The newest record of a branch name.",
    query: request.resolveQuery,
    answer: branch.resolveAnswer,
  },
  branch: {
    method: "get",
    paths: ["/api/forge/branch/{branch_id}"],
    guard: "reader",
    summary: "A branch with at most eight runs, those of its head first, each newest first.",
    query: request.detailQuery,
    answer: branch.detailAnswer,
  },
  logs: {
    method: "get",
    paths: ["/api/forge/branch/{branch_id}/logs"],
    guard: "reader",
    summary: "One lane's log: the named one, or the one that matters most.",
    query: request.logsQuery,
    answer: branch.logsAnswer,
  },
  laneLog: {
    method: "get",
    paths: ["/api/forge/lane/{lane_run_id}/log"],
    guard: "reader",
    summary: "A byte range of a lane's log, also while it runs.",
    query: request.laneLogQuery,
    answer: branch.laneLogAnswer,
    added: true,
  },
  merge: {
    method: "post",
    paths: ["/api/forge/branch/{branch_id}/merge", `${ids}/merge`],
    guard: "writer",
    summary: "Merge a head that a successful run tested; force is the owner's alone.",
    body: { schema: branch.mergeRequest, optional: true },
    answer: branch.mergeAnswer,
  },
  close: {
    method: "post",
    paths: ["/api/forge/branch/{branch_id}/close", `${ids}/close`],
    guard: "writer",
    summary: "Close a branch without merging it.",
    body: { schema: branch.closeRequest, optional: true },
    answer: branch.closeAnswer,
  },
  tutorial: {
    method: "put",
    alsoBy: "post",
    paths: ["/api/forge/branch/{branch_id}/tutorial"],
    guard: "writer",
    summary: "Store the review tutorial of a head.",
    body: { schema: branch.tutorialRequest, optional: false },
    answer: branch.tutorialAnswer,
    added: true,
  },
  queue: {
    method: "get",
    paths: ["/api/forge/ci/queue"],
    guard: "reader",
    summary: "Lanes that run or wait, why, and in which order.",
    query: request.queueQuery,
    answer: ci.queueAnswer,
    added: true,
  },
  wake: {
    method: "post",
    paths: ["/api/forge/ci/wake"],
    guard: "writer",
    summary: "Look at the refs and at the lanes now.",
    answer: ci.wakeAnswer,
    recovery: "wake",
  },
  events: {
    method: "get",
    paths: ["/api/forge/events"],
    guard: "reader",
    summary: "Server-sent events with a sequence number to go on from.",
    query: request.eventsQuery,
    added: true,
  },
  target: {
    method: "post",
    paths: ["/api/forge/target"],
    guard: "owner",
    summary: "Accept or restore a target that was moved by hand.",
    body: { schema: forge.targetRequest, optional: false },
    answer: forge.targetAnswer,
    recovery: "reset_target",
    added: true,
  },
  drain: {
    method: "post",
    paths: ["/api/forge/drain"],
    guard: "writer",
    summary: "Take no more merges and lanes, and stop when the running lanes ended.",
    answer: forge.drainAnswer,
    added: true,
  },
  rerunSuite: {
    method: "post",
    paths: [`${ids}/ci/rerun`],
    guard: "writer",
    summary: "Run all lanes of the branch's head again.",
    answer: ci.rerunAnswer,
    recovery: "rerun_suite",
    added: true,
  },
  rerunLane: {
    method: "post",
    paths: [`${ids}/ci/rerun/{lane_run_id}`],
    guard: "writer",
    summary: "Run one finished lane again, in a run that decides nothing.",
    answer: ci.rerunAnswer,
    recovery: "rerun_lane",
  },
  failLane: {
    method: "post",
    paths: [`${ids}/ci/fail/{lane_run_id}`],
    guard: "writer",
    summary: "Mark a queued or running lane as failed.",
    answer: ci.laneActionAnswer,
    recovery: "fail",
  },
  cancelLane: {
    method: "post",
    paths: [`${ids}/ci/cancel/{lane_run_id}`],
    guard: "writer",
    summary: "Stop a queued or running lane.",
    answer: ci.laneActionAnswer,
    recovery: "cancel",
    added: true,
  },
  requeueLane: {
    method: "post",
    paths: [`${ids}/ci/requeue/{lane_run_id}`],
    guard: "writer",
    summary: "Put a lane back into the queue.",
    answer: ci.laneActionAnswer,
    recovery: "requeue",
  },
  recoverRun: {
    method: "post",
    paths: [`${ids}/ci/recover/{run_id}`],
    guard: "writer",
    summary: "Requeue the lanes of a run that have not ended or did not fail by their own tests.",
    answer: ci.recoverAnswer,
    recovery: "recover",
  },
  ...accessRoutes,
  ...nightlyRoutes,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;

/** The table with each row as a plain `Route`. */
export const routeTable: readonly (Route & { readonly name: RouteName })[] = Object.entries(
  routes,
).map(([name, route]) => ({ ...(route as Route), name: name as RouteName }));
