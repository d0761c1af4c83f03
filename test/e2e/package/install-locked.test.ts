import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { type Ran, runToEnd } from "../../support/cli.ts";
import { root } from "../../support/sources.ts";

const script = pathToFileURL(join(root, "tools", "install-locked.mjs")).href;

/** A folder with one optional package in its lockfile, and a registry that is not there. */
async function aFolder(entry: object): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "land-locked-"));
  const own = { name: "locked", version: "1.0.0", optionalDependencies: { missing: "1.0.0" } };
  const locked = { version: "1.0.0", optional: true, ...entry };
  const packages = { "": own, "node_modules/missing": locked };
  const lockfile = { ...own, lockfileVersion: 3, requires: true, packages };
  await writeFile(join(path, "package.json"), JSON.stringify(own));
  await writeFile(join(path, "package-lock.json"), JSON.stringify(lockfile));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function install(folder: string): Promise<Ran> {
  const call = `installLocked({ folder: ${JSON.stringify(folder)}, what: "Things", size: "1 MB" })`;
  const code = `import { installLocked } from ${JSON.stringify(script)}; ${call};`;
  return runToEnd(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: folder,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
      HOME: folder,
      npm_config_registry: "http://127.0.0.1:9",
      npm_config_fetch_retries: "0",
    },
  });
}

it("says which optional package did not come, and tries again", async () => {
  await using folder = await aFolder({});
  for (const time of ["first", "second"]) {
    const ran = await install(folder.path);
    expect([time, ran.code]).toEqual([time, 0]);
    expect(ran.err).toContain("Things are installed into");
    expect(ran.err).toContain("Not installed, tried again next time: missing");
  }
});

it("is content without the packages of other platforms, and installs nothing twice", async () => {
  await using folder = await aFolder({ os: ["none"] });
  const ran = await install(folder.path);
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.err).not.toContain("Not installed");
  expect(existsSync(join(folder.path, "node_modules", ".installed-from.json"))).toBe(true);
  expect(await install(folder.path)).toMatchObject({ code: 0, err: "" });
});

it("ends with 1 and a word where the lockfile cannot be installed", async () => {
  await using folder = await aFolder({});
  await writeFile(join(folder.path, "package-lock.json"), "{");
  const ran = await install(folder.path);
  expect(ran.code).toBe(1);
  expect(ran.err).toContain("Things could not be installed: npm failed.");
});
