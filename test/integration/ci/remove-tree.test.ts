import { spawnSync } from "node:child_process";
import { chownSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("../../support/remove-locked-trees.ts", import.meta.url));
const asRoot = process.getuid?.() === 0;
/** To root no folder is locked. */
const nobody = { uid: 65_534, gid: 65_534 };

function canBeRun(): boolean {
  const files = [process.execPath, program];
  return files.every(
    (file) => !asRoot || spawnSync("test", ["-r", file], { ...nobody, cwd: "/" }).status === 0,
  );
}

it.skipIf(!canBeRun())("whatever folders a lane locked, its tree is removed", async () => {
  const dir = await mkdtemp(join(tmpdir(), "flk-locked-"));
  if (asRoot) chownSync(dir, nobody.uid, nobody.gid);
  const who = asRoot ? nobody : {};
  const ran = spawnSync(process.execPath, [program, dir, "4"], { ...who, cwd: "/", env: {} });
  expect(ran.stderr.toString()).toBe("");
  expect(ran.status).toBe(0);
  await rm(dir, { recursive: true });
});
