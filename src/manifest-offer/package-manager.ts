import type { Listing } from "./lane.ts";
import { shellWord } from "./lane.ts";
import type { NodePackage } from "./package-json.ts";

/** How a repository's package scripts are run from a clean checkout. */
export interface PackageManager {
  readonly name: "npm" | "pnpm" | "yarn" | "bun";
  /** Shell words that install dependencies; undefined where there are none. */
  readonly install: string | undefined;
  /** Shell words that run a package's script, from the repository's top. */
  runScript(from: NodePackage, script: string): string;
}

/** Chosen by the `packageManager` key, else by the lockfile, else npm. */
export function packageManagerOf(listing: Listing, root: NodePackage): PackageManager {
  const has = (path: string) => listing.paths.includes(path);
  const named = root.packageManager?.split("@")[0];
  if (named === "pnpm" || has("pnpm-lock.yaml")) return pnpm(has("pnpm-lock.yaml"));
  if (named === "yarn" || has("yarn.lock")) return yarn(has("yarn.lock"), has(".yarnrc.yml"));
  if (named === "bun" || has("bun.lock") || has("bun.lockb")) return bun;
  return npm(has("package-lock.json") || has("npm-shrinkwrap.json"), root);
}

function npm(locked: boolean, root: NodePackage): PackageManager {
  const needed = root.dependencies.length > 0 || root.workspaces.length > 0;
  return {
    name: "npm",
    install: locked ? "npm ci" : needed ? "npm install --no-audit --no-fund" : undefined,
    runScript: (from, script) =>
      `npm run ${shellWord(script)}${from.folder === "" ? "" : ` --workspace=${shellWord(from.folder)}`}`,
  };
}

function pnpm(locked: boolean): PackageManager {
  return {
    name: "pnpm",
    install: locked ? "pnpm install --frozen-lockfile" : "pnpm install",
    runScript: (from, script) =>
      from.folder === ""
        ? `pnpm run ${shellWord(script)}`
        : `pnpm --filter ${shellWord(`./${from.folder}`)} run ${shellWord(script)}`,
  };
}

function yarn(locked: boolean, berry: boolean): PackageManager {
  const frozen = berry ? "--immutable" : "--frozen-lockfile";
  return {
    name: "yarn",
    install: locked ? `yarn install ${frozen}` : "yarn install",
    runScript: (from, script) =>
      from.folder === ""
        ? `yarn run ${shellWord(script)}`
        : `yarn --cwd ${shellWord(from.folder)} run ${shellWord(script)}`,
  };
}

const bun: PackageManager = {
  name: "bun",
  install: "bun install --frozen-lockfile",
  runScript: (from, script) =>
    from.folder === ""
      ? `bun run ${shellWord(script)}`
      : `bun run --cwd ${shellWord(from.folder)} ${shellWord(script)}`,
};
