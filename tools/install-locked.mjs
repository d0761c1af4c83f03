// Installs what a tool folder's lockfile names below that folder, unless it is there already. Such
// folders hold what is large and only one npm script needs, apart from a checkout's dependencies.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const { glibcVersionRuntime } = process.report.getReport().header;
const ownLibc = glibcVersionRuntime === undefined ? "musl" : "glibc";

/**
 * `what` and `size` are for the reader. What the lockfile calls optional may stay away, with a word;
 * anything else that does ends the process with 1.
 */
export function installLocked({ folder, what, size }) {
  const lockfile = join(folder, "package-lock.json");
  const installedFrom = join(folder, "node_modules", ".installed-from.json");
  if (textOf(installedFrom) === textOf(lockfile)) return;

  console.error(`${what} are installed into ${folder} (about ${size}).`);
  const args = ["ci", "--ignore-scripts", "--include=optional", "--no-audit", "--no-fund"];
  const { status, error } = spawnSync("npm", [...args, "--loglevel=error"], {
    cwd: folder,
    stdio: "inherit",
  });
  if (status !== 0) {
    console.error(`${what} could not be installed: ${error?.message ?? "npm failed"}.`);
    process.exit(1);
  }
  const missing = missingBelow(folder, lockfile);
  if (missing.length > 0) {
    console.error(`Not installed, tried again next time: ${few(missing)}`);
    return;
  }
  mkdirSync(dirname(installedFrom), { recursive: true });
  copyFileSync(lockfile, installedFrom);
}

/** Packages of the lockfile that are for this machine and are not there. */
function missingBelow(folder, lockfile) {
  const { packages } = JSON.parse(readFileSync(lockfile, "utf8"));
  return Object.entries(packages)
    .filter(([place, entry]) => place !== "" && isForThisMachine(entry))
    .filter(([place]) => !existsSync(join(folder, place)))
    .map(([place]) => place.replace("node_modules/", ""));
}

function few(names, most = 12) {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return names.slice(0, most).join(", ") + more;
}

function isForThisMachine({ os, cpu, libc }) {
  return (
    (os === undefined || os.includes(process.platform)) &&
    (cpu === undefined || cpu.includes(process.arch)) &&
    (libc === undefined || process.platform !== "linux" || libc.includes(ownLibc))
  );
}

function textOf(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
