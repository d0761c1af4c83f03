import picomatch from "picomatch";
import { folderOf, type Listing } from "./lane.ts";
import type { NodePackage } from "./package-json.ts";

/** Folders of a repository's workspaces: tracked package.json files that a workspace glob names. */
export function workspaceFolders(listing: Listing, root: NodePackage): string[] {
  const globs = [...root.workspaces, ...pnpmGlobs(listing.read("pnpm-workspace.yaml"))].map(
    (glob) => glob.replace(/^\.\//, "").replace(/\/+$/, ""),
  );
  const wanted = globs.filter((glob) => !glob.startsWith("!"));
  const unwanted = globs.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1));
  if (wanted.length === 0) return [];
  const matches = picomatch(wanted, { ignore: unwanted });
  return listing.paths
    .filter((path) => path.endsWith("/package.json") && !path.includes("node_modules/"))
    .map(folderOf)
    .filter((folder) => matches(folder))
    .sort();
}

/** The list below `packages:`, whose items are the only part of that file this kit reads. */
function pnpmGlobs(text: string | undefined): string[] {
  const lines = (text ?? "").split(/\r?\n/);
  const start = lines.findIndex((line) => /^packages\s*:\s*(#.*)?$/.test(line));
  if (start === -1) return [];
  const globs: string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const item = /^\s*-\s+(?:"([^"]*)"|'([^']*)'|([^#]*?))\s*(?:#.*)?$/.exec(line);
    if (item === null) break;
    globs.push(item[1] ?? item[2] ?? item[3] ?? "");
  }
  return globs.filter((glob) => glob !== "");
}
