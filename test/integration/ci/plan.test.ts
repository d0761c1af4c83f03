import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { changedPaths } from "../../../src/server/ci/changed-paths.ts";
import { CiBench, usualSettings } from "../../support/ci.ts";

const path = "ci/forge-lanes.toml";
const top = 'version = 1\nnightly_schedule_utc = "08:00"\n';
const lane = (id: string, more = "") =>
  `[[branch.lanes]]\nid = "${id}"\ntitle = "T"\nentrypoint = "e"\ncommand = ["true"]\n${more}\n`;

let bench: CiBench;
beforeEach(async () => {
  bench = await CiBench.make();
  bench.start();
});
afterEach(() => bench.dispose());

describe("plan", () => {
  it("selects lanes by what changed since the merge base", async () => {
    const base = await bench.commit({
      [path]:
        top + lane("always") + lane("web", 'paths = ["web/**"]') + lane("doc", 'paths = ["*.md"]'),
      "web/old name.js": "some content that is long enough to be found again\n",
    });
    const head = await bench.commit({
      "web/old name.js": null,
      "src/neu über.js": "some content that is long enough to be found again\n",
    });
    const plan = await bench.ci.plan(head, base);
    expect(plan).toMatchObject({ status: "success", reason: null, note: null });
    expect(plan.lanes.map((one) => one.lane)).toEqual(["always", "web"]);
    expect(await changedPaths(bench.bare, base, head)).toEqual([
      "web/old name.js",
      "src/neu über.js",
    ]);
  });

  it("looks at all files where there is no merge base", async () => {
    const head = await bench.commit({ [path]: top + lane("x", 'paths = ["nothing"]'), "a ü": "" });
    expect(await changedPaths(bench.bare, null, head)).toEqual(["a ü", path]);
    expect((await bench.ci.plan(head, null)).lanes).toHaveLength(1);
  });

  it("sees a submodule move, whatever settings and .gitmodules say of ignoring it", async () => {
    const { work, bare, config } = bench;
    const module = await bench.commit({
      [path]: top + lane("vendor", 'paths = ["vendor/**", "vendor"]'),
      ".gitmodules": '[submodule "v"]\n\tpath = vendor\n\turl = ./v\n\tignore = all\n',
    });
    const commits: string[] = [];
    const blob = (await work.run({ args: ["hash-object", "-w", "--stdin"], input: "x" })).stdout;
    for (const [object, readme] of [
      [module, "first.md"],
      ["1".repeat(40), "second.md"],
    ]) {
      for (const entry of [`160000,${object},vendor`, `100644,${blob.trim()},${readme}`]) {
        await work.run({ args: ["update-index", "--add", "--cacheinfo", entry] });
      }
      await work.run({ args: ["commit", "-q", "-m", "Move the module"] });
      await work.run({ args: ["push", "-q", config.repositoryDir, "+HEAD:refs/heads/main"] });
      commits.push(await work.text(["rev-parse", "HEAD"]));
    }
    await bare.run({ args: ["config", "diff.ignoreSubmodules", "all"] });
    const [base = "", head = ""] = commits;
    expect((await bench.ci.plan(head, base)).lanes.map((one) => one.lane)).toEqual(["vendor"]);
  });

  it("finishes with success where no lane is for the change", async () => {
    const base = await bench.commit({ [path]: top + lane("web", 'paths = ["web/**"]') });
    const head = await bench.commit({ "readme.md": "x" });
    expect(await bench.ci.plan(head, base)).toMatchObject({
      lanes: [],
      status: "success",
      reason: "nothing_selected",
    });
  });

  it("fails without a manifest, unless the owner chose so", async () => {
    const base = await bench.commit({ a: "1" });
    const head = await bench.commit({ a: "2" });
    expect(await bench.ci.plan(head, base)).toMatchObject({
      lanes: [],
      status: "failed",
      reason: "manifest_missing",
    });
    bench.settings = { ...usualSettings, ci: "none" };
    expect(await bench.ci.plan(head, base)).toMatchObject({
      lanes: [],
      status: "success",
      reason: "untested_by_choice",
    });
    await expect(bench.ci.plan("1".repeat(40), base)).rejects.toMatchObject({ code: "git_failed" });
  });

  it("fails with file and line where the manifest is broken, whatever the owner chose", async () => {
    bench.settings = { ...usualSettings, ci: "none" };
    const base = await bench.commit({ a: "1" });
    const head = await bench.commit({ [path]: `${top}${lane("a")}${lane("a")}` });
    expect(await bench.ci.plan(head, base)).toMatchObject({
      lanes: [],
      status: "failed",
      reason: "manifest_broken",
      note: "ci/forge-lanes.toml:10: lane `a`: another branch lane has the id `a`",
    });
    const large = await bench.commit({ [path]: "#".repeat(300_000) });
    expect((await bench.ci.plan(large, base)).note).toContain("it has 300000 bytes");
    const bytes = await bench.commit({ [path]: new Uint8Array([0xff, 0xfe, 0x00]) });
    expect(await bench.ci.plan(bytes, base)).toMatchObject({ reason: "manifest_broken" });
  });
});

describe("lanesChangedBy", () => {
  it("names removed and changed lanes, not added or retitled ones", async () => {
    const target = await bench.commit({
      [path]: top + lane("kept") + lane("gone") + lane("narrowed") + lane("retitled"),
    });
    const narrowed = lane("narrowed", 'paths = ["x"]');
    const retitled = lane("retitled").replace('"T"', '"Other"').replace('"e"', '"other"');
    const head = await bench.commit({
      [path]: top + lane("new") + retitled + narrowed + lane("kept"),
    });
    expect(await bench.ci.lanesChangedBy(head, target)).toEqual(["gone", "narrowed"]);
    expect(await bench.ci.lanesChangedBy(target, target)).toEqual([]);
  });

  it.each(["timeout_seconds = 5", 'env = ["A"]', 'inputs = ["a"]', 'concurrency_group = "g"'])(
    "takes %s for a change",
    async (more) => {
      const target = await bench.commit({ [path]: top + lane("a") });
      const head = await bench.commit({ [path]: top + lane("a", more) });
      expect(await bench.ci.lanesChangedBy(head, target)).toEqual(["a"]);
    },
  );

  it("guards nightly lanes too", async () => {
    const nightly = (id: string, more = "") => lane(id, more).replace("branch", "nightly");
    const target = await bench.commit({
      [path]: top + lane("both") + nightly("both") + nightly("kept") + nightly("gone"),
    });
    const head = await bench.commit({
      [path]: top + lane("both") + nightly("both", "timeout_seconds = 5") + nightly("kept"),
    });
    expect(await bench.ci.lanesChangedBy(head, target)).toEqual([
      "both (nightly)",
      "gone (nightly)",
    ]);
  });

  it("lets a first manifest pass, and takes a lost or broken one for all lanes", async () => {
    const without = await bench.commit({ a: "1" });
    const broken = await bench.commit({ [path]: "version = 2\n" });
    const two = await bench.commit({ [path]: top + lane("a") + lane("b") });
    expect(await bench.ci.lanesChangedBy(two, without)).toEqual([]);
    expect(await bench.ci.lanesChangedBy(two, broken)).toEqual([]);
    expect(await bench.ci.lanesChangedBy(without, two)).toEqual(["a", "b"]);
    expect(await bench.ci.lanesChangedBy(broken, two)).toEqual(["a", "b"]);
  });
});
