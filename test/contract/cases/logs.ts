import { answers, type Case, plainly, refuses, row } from "../case.ts";
import { is, nullOr, str } from "../match.ts";
import { ciLane, logs } from "../shapes.ts";
import type { Pushed, World } from "../world.ts";

const green = (world: World) => world.shared("success");

export const logsCases: readonly Case[] = [
  row<Pushed>({
    section: "2.3",
    name: "the log of the lane run that is named",
    arrange: green,
    call: ({ id, laneRunId }) => ({
      method: "GET",
      path: `/api/forge/branch/${id}/logs?lane_run_id=${laneRunId}`,
      as: "reader",
    }),
    expect: ({ id, name, runId, laneRunId }, world) =>
      answers(
        logs(world, {
          branch_id: is(id),
          branch_name: is(name),
          run_id: is(runId),
          lane: ciLane(world, "branch", { id: is(laneRunId), log_text: str }),
        }),
      ),
  }),
  ...["?lane=LANE", "", "?lane=nowhere&lane_run_id=RUN"].map((query) =>
    row<Pushed>({
      section: "2.3",
      name: `the lane that ${query === "" ? "failed, where none is named" : `${query} names`}`,
      arrange: (world) => world.shared("failed"),
      call: ({ id, laneId, laneRunId }) => ({
        method: "GET",
        path: `/api/forge/branch/${id}/logs${query.replace("LANE", laneId).replace("RUN", String(laneRunId))}`,
        as: "reader",
      }),
      expect: ({ laneRunId }, world) =>
        answers(
          logs(world, {
            lane: ciLane(world, "branch", { id: is(laneRunId), status: is("failed") }),
          }),
        ),
    }),
  ),
  row<Pushed>({
    section: "2.3",
    name: "a lane that has not begun, where there is none else",
    arrange: (world, unique) => world.push(unique, "queued"),
    call: ({ id }) => ({ method: "GET", path: `/api/forge/branch/${id}/logs`, as: "reader" }),
    expect: (_pushed, world) =>
      answers(
        logs(world, {
          lane: ciLane(world, "branch", { status: is("queued"), log_text: nullOr(str) }),
        }),
      ),
  }),
  ...["lane=nowhere", "lane_run_id=404404", "lane_run_id=-1", "lane=check&lane_run_id=404404"].map(
    (query) =>
      row<Pushed>({
        section: "2.3",
        name: `${query} names no lane`,
        arrange: green,
        call: ({ id }) => ({
          method: "GET",
          path: `/api/forge/branch/${id}/logs?${query}`,
          as: "reader",
        }),
        expect: refuses(404, "no matching lane logs found"),
      }),
  ),
  ...["x", "", "1.5", "9223372036854775808"].map((id) =>
    row<Pushed>({
      section: "2.3",
      name: `lane_run_id=${id} is no number`,
      arrange: green,
      call: (pushed) => ({
        method: "GET",
        path: `/api/forge/branch/${pushed.id}/logs?lane_run_id=${id}`,
        as: "reader",
      }),
      expect: plainly(400, /^Failed to deserialize query string: /),
    }),
  ),
  row({
    section: "2.3",
    name: "no branch has no logs",
    call: () => ({ method: "GET", path: "/api/forge/branch/404404/logs", as: "reader" }),
    expect: refuses(404, "branch not found"),
  }),
];
