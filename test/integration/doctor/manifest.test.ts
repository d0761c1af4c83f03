import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { renderChecks } from "../../../src/doctor/check.ts";
import { checkManifest } from "../../../src/doctor/manifest.ts";
import { lookAtManifest } from "../../../src/server/ci/manifest-file.ts";
import { temporaryFolder } from "../../support/agent-half.ts";
import { manifestOf } from "../../support/cli.ts";

const good = manifestOf({ unit: ["true"] });

async function checked(text?: string): Promise<string> {
  const folder = await temporaryFolder("land-doctor");
  if (text !== undefined) {
    await mkdir(join(folder, "ci"));
    await writeFile(join(folder, "ci", "forge-lanes.toml"), text);
  }
  const checks = await checkManifest(folder, lookAtManifest);
  return checks.length === 0 ? "" : renderChecks(checks);
}

it("says nothing where there is none, and counts the lanes of a good one", async () => {
  expect(await checked()).toBe("");
  expect(await checked(good)).toMatch(/^ok +ci manifest +.*1 lane for branches, 0 nightly\n/);
});

it("notes a misspelt key, and finds no fault in the manifest", async () => {
  const said = await checked(`${good}timout_seconds = 5\n`);
  expect(said).toContain("ok ");
  expect(said).toContain(
    "ci/forge-lanes.toml:8: nothing reads the key `timout_seconds` of lane `unit`",
  );
  expect(said).toContain("→ If `timeout_seconds` was meant, correct it.");
  expect(said).toContain("Everything that landing needs is here.");
});

it.each([
  ["bad TOML", `${good}[[branch.lanes]\n`, "ci/forge-lanes.toml:8: the TOML cannot be read"],
  ["an id twice", `${good}${good.split("\n").slice(2).join("\n")}`, "toml:9: lane `unit`: another"],
  ["too much", `#${"x".repeat(300_000)}`, "ci/forge-lanes.toml: it has 300001 bytes"],
])("tells %s before it is pushed, with its line", async (_what, text, words) => {
  const said = await checked(text);
  expect(said).toMatch(/^missing +ci manifest/);
  expect(said).toContain(words);
  expect(said).toContain("Look at: ci manifest.");
});

it("names the misspelt key of a manifest that is broken by it", async () => {
  const said = await checked(good.replace("command =", "comand ="));
  expect(said).toContain("the command must not be empty");
  expect(said).toContain("If `command` was meant");
});

it("shows no control sequences of a manifest", async () => {
  const said = await checked(`${good}"\\u001b[31mred" = 1\n`);
  expect(said).toContain("red");
  expect(said).not.toContain("\u001b");
});

it("tells a manifest that is a link or a folder", async () => {
  const folder = await temporaryFolder("land-doctor");
  const file = join(folder, "ci", "forge-lanes.toml");
  await mkdir(join(folder, "ci"));
  await symlink("elsewhere.toml", file);
  expect(await checkManifest(folder, lookAtManifest)).toMatchObject([{ state: "missing" }]);
  await rm(file);
  await mkdir(file);
  expect(await checkManifest(folder, lookAtManifest)).toMatchObject([{ state: "missing" }]);
});

it("is no doctor's fault where the look itself fails", async () => {
  const look = () => Promise.reject(new Error("no such bundle"));
  expect(await checkManifest("/", look)).toMatchObject([
    { state: "note", found: expect.stringContaining("no such bundle") },
  ]);
});
