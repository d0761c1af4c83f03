import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** This package on disk, wherever the bundle that asks lies in it. */
export interface Package {
  readonly root: string;
  readonly version: string;
}

/** Finds the package that this code belongs to. */
export function ownPackage(): Package {
  let root = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const about = readAbout(join(root, "package.json"));
    if (about?.name === "forge-landing-kit") return { root, version: about.version };
    if (dirname(root) === root) throw new Error("The package.json of this kit is missing.");
    root = dirname(root);
  }
}

function readAbout(file: string): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { name: string; version: string };
  } catch {
    return undefined;
  }
}

/** The command that serves a forge's state folder, detached: program first. */
export function serveCommand(own: Package, stateDir: string): readonly string[] {
  const launcher = join(own.root, "dist", "land.js");
  return [process.execPath, launcher, "serve", "--state", stateDir, "--detached"];
}
