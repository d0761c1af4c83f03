import { describe, expect, it } from "vitest";
import { parseNameStatus } from "../../../../src/server/ci/changed-paths.ts";
import { selectLanes } from "../../../../src/server/ci/select.ts";
import { laneOf } from "../../../support/ci.ts";

const lanes = [
  laneOf({ lane: "always" }),
  laneOf({ lane: "web", paths: ["web/**", "*.json"] }),
  laneOf({ lane: "docs", paths: ["docs/*.md"] }),
];
const selected = (paths: readonly string[]) => selectLanes(lanes, paths).map((lane) => lane.lane);

describe("selectLanes", () => {
  it("takes lanes without paths and those whose globs match, in their order", () => {
    expect(selected(["docs/a.md"])).toEqual(["always", "docs"]);
    expect(selected(["docs/deep/a.md"])).toEqual(["always"]);
    expect(selected(["package.json", "docs/b.md"])).toEqual(["always", "web", "docs"]);
  });

  it("takes all where the manifest changed, where nothing did, and where very much did", () => {
    const all = ["always", "web", "docs"];
    expect(selected(["ci/forge-lanes.toml", "x"])).toEqual(all);
    expect(selected([])).toEqual(all);
    expect(selected(Array.from({ length: 20_001 }, (_, n) => `x${n}`))).toEqual(all);
  });
});

describe("globs and paths that would take too long to match", () => {
  it("make for all lanes instead of a long silence", () => {
    const alternatives = Array.from({ length: 100 }, (_, index) => `${"a".repeat(6)}${index}`);
    const slow = Array.from({ length: 300 }, () => `**/{${alternatives.join(",")}}`);
    const many = [laneOf({ lane: "slow", paths: slow }), laneOf({ lane: "other", paths: ["x"] })];
    const paths = Array.from({ length: 15_000 }, (_, index) => `${"a/".repeat(20)}file-${index}`);
    const begun = performance.now();
    expect(selectLanes(many, paths).map((one) => one.lane)).toEqual(["slow", "other"]);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

describe("parseNameStatus", () => {
  it("reads both names of renames and copies, and any name git has", () => {
    const output = "M\0a b\0R087\0old\0new\0C100\0from\0to\0D\0gone\0A\0Grü\nße\0";
    expect(parseNameStatus(output)).toEqual(["a b", "old", "new", "from", "to", "gone", "Grü\nße"]);
    expect(parseNameStatus("")).toEqual([]);
  });
});
