import { describe, expect, it } from "vitest";
import { argumentsOf } from "../../../../src/server/ci/executor.ts";
import { cacheName } from "../../../../src/server/ci/lane-environment.ts";
import { outcomeOf, parseStatement } from "../../../../src/server/ci/lane-result.ts";
import { lifecycleLines } from "../../../../src/server/ci/lifecycle.ts";
import { submodulesIn } from "../../../../src/server/ci/slot.ts";

describe("outcomeOf", () => {
  const how = {
    exit: { exitCode: 0, signal: null, report: '{ "exit-code": 0 }' },
    isolation: "bwrap",
    timedOutAfterSeconds: null,
    statement: undefined,
    runnerSkipped: undefined,
  } as const;

  it("blames the sandbox where it never got to run the lane", () => {
    const exit = { exitCode: 1, signal: null, report: "" };
    expect(outcomeOf({ ...how, exit })).toMatchObject({ failureKind: "infrastructure" });
    expect(outcomeOf({ ...how, exit, isolation: "none" })).toMatchObject({
      failureKind: "test_failure",
    });
  });

  it("does not let a statement turn a failure into anything green", () => {
    const exit = { exitCode: 1, signal: null, report: '{ "exit-code": 1 }' };
    const statement = { word: "skipped", why: "" } as const;
    expect(outcomeOf({ ...how, exit, statement }).status).toBe("failed");
    expect(outcomeOf({ ...how, exit, statement, timedOutAfterSeconds: 5 })).toMatchObject({
      failureKind: "timeout",
    });
    expect(outcomeOf({ ...how, statement }).status).toBe("skipped");
    expect(outcomeOf({ ...how, exit, runnerSkipped: "" }).status).toBe("failed");
  });

  it.each([
    ["", "runner skipped"],
    [" no changed\nfiles \u001b[31m", "runner skipped: no changed files [31m"],
  ])("tells that the runner skipped, with its words %j in one line", (words, note) => {
    expect(outcomeOf({ ...how, runnerSkipped: words })).toEqual({
      ...{ status: "skipped", failureKind: null, note },
    });
  });
});

it("reads statements of one line and nothing else", () => {
  expect(parseStatement("skipped: no\tdevice\nmore")).toEqual({
    word: "skipped",
    why: "no device",
  });
  expect(parseStatement(" infrastructure\n")).toEqual({ word: "infrastructure", why: "" });
  expect(parseStatement("skippedx")).toBeUndefined();
  expect(parseStatement("success")).toBeUndefined();
});

it("reads lifecycle lines among other output, and no odd ids", () => {
  const output = [
    "some output",
    '{"event":"run_started","run_id":"r-1","target_id":"t"}',
    '{"event":',
    '{"event":"run_started","run_id":"../../x y","target_id":7}',
    '{"event":"run_finished","run":{"run_id":"r-1","status":"passed","message":"it\'s done"}}',
  ].join("\n");
  expect(lifecycleLines(output)).toEqual([
    { event: "run_started", runId: "r-1", targetId: "t", status: null, message: null },
    { event: "run_started", runId: null, targetId: null, status: null, message: null },
    { event: "run_finished", runId: "r-1", targetId: null, status: "passed", message: "it's done" },
  ]);
});

it("asks a staged target's runner for lines, unless the command says otherwise", () => {
  expect(argumentsOf({ command: ["x"], targetKey: null })).toEqual(["x"]);
  expect(argumentsOf({ command: ["x"], targetKey: "t" })).toEqual(["x", "--output", "jsonl"]);
  const said = ["x", "--output", "text"];
  expect(argumentsOf({ command: said, targetKey: "t" })).toBe(said);
});

it("gives each lane id a cache folder of its own, whatever it holds", () => {
  const ids = ["a", "A", "a/b", "a-b", "..", "", "ä", "ö", "x".repeat(200), `${"x".repeat(200)}y`];
  const names = ids.map((id) => cacheName(id).toLowerCase());
  expect(new Set(names).size).toBe(ids.length);
  for (const name of names) expect(name).toMatch(/^[a-z0-9_-]*(\.[0-9a-f]{12})?$/);
});

it("finds submodules among the index's entries", () => {
  const listed = `100644 ${"1".repeat(40)} 0\ta\x00160000 ${"2".repeat(40)} 0\tlib/sub ü\x00`;
  expect(submodulesIn(listed)).toEqual(["lib/sub ü"]);
});
