// Installs the protocol's own checks below this folder, unless what the lockfile names is there
// already. They are large and only `npm run test:official` needs them.
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const lockfile = join(folder, "package-lock.json");
const installedFrom = join(folder, "node_modules", ".installed-from.json");

if (textOf(installedFrom) !== textOf(lockfile)) {
  console.error("Installing the official checks into tools/official (about 150 MB).");
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, error } = spawnSync("npm", args, { cwd: folder, stdio: "inherit" });
  if (status !== 0) {
    console.error(`The official checks could not be installed: ${error?.message ?? "npm failed"}.`);
    process.exit(1);
  }
  copyFileSync(lockfile, installedFrom);
}

function textOf(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
