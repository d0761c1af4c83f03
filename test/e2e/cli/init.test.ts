import { expect, it, vi } from "vitest";
import { parseManifest } from "../../../src/server/ci/manifest.ts";
import { withForge } from "../../support/cli.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const files = { "package.json": '{"scripts":{"test":"node --test"}}', "a.test.js": "" };

it("offers a manifest, writes it only when told, and lands it like any other branch", async () => {
  await using scene = await withForge(files);
  const offered = await scene.land(["init", "--json"]);
  expect(offered.code).toBe(0);
  const first = offered.json() as { ci: { state: string; manifest: string } };
  expect(first).toMatchObject({ target: "main", remote: "forge", ci: { state: "offered" } });
  expect(parseManifest(first.ci.manifest)).toMatchObject({
    ok: true,
    manifest: { branchLanes: [{ lane: "test", command: ["sh", "-c", "npm run test"] }] },
  });
  expect(await scene.git("branch", "--list", "land/*")).toBe("");

  await scene.write({ "untracked.txt": "mine" });
  const before = await scene.git("status", "--porcelain=v2", "--branch");
  const written = await scene.land(["init", "--ci", "write", "--json"]);
  expect(written.json()).toMatchObject({
    state: "ready",
    ci: { state: "written", branch: "land/ci-manifest" },
  });
  expect(await scene.git("status", "--porcelain=v2", "--branch")).toBe(before);
  expect((await scene.land(["init", "--ci", "write", "--json"])).json()).toMatchObject({
    ci: { state: "kept" },
  });

  const landed = await scene.land(["--branch", "land/ci-manifest", "--json"]);
  expect(landed).toMatchObject({ code: 0 });
  expect(landed.json()).toMatchObject({ state: "landed", branch: "land/ci-manifest" });
  expect((await scene.land(["init", "--json"])).json()).toMatchObject({ ci: { state: "present" } });
});

it("records the owner's choice to land untested", async () => {
  await using scene = await withForge({ "readme.txt": "nothing to run" });
  expect((await scene.land(["init", "--json"])).json()).toMatchObject({
    ci: { state: "nothing_found" },
  });
  expect((await scene.land(["init", "--ci", "none", "--json"])).json()).toMatchObject({
    ci: { state: "none" },
  });
  expect((await scene.land(["init", "--json"])).json()).toMatchObject({ ci: { state: "none" } });
  await scene.branch("feature/untested", { "a.txt": "a" });
  expect((await scene.land(["--json"])).json()).toMatchObject({ state: "landed" });
});
