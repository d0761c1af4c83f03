import { below, type Candidate, type Listing, literalGlob, literalPattern, tasks } from "./lane.ts";
import { workspaceFolders } from "./node-workspaces.ts";
import { type NodePackage, readPackage } from "./package-json.ts";
import { type PackageManager, packageManagerOf } from "./package-manager.ts";

/** What npm puts there when nobody wrote a test. */
const noTest = /no test specified/;

/** A script that only passes its name on to the workspaces. */
const fansOut =
  /\b(turbo|nx|lerna|wireit)\b|--workspaces?\b|\s-ws?\b|--recursive\b|\s-r\b|\bworkspaces\b/;

/** Lanes for package.json scripts: the root's, and each workspace's with its own paths. */
export function nodeCandidates(listing: Listing): Candidate[] {
  const root = readPackage(listing, "");
  if (root === undefined) return [];
  const manager = packageManagerOf(listing, root);
  const members = workspaceFolders(listing, root)
    .map((folder) => readPackage(listing, folder))
    .filter((member) => member !== undefined);
  const ofMembers = members.flatMap((member) =>
    scriptsOf(member).map(([task, body]) =>
      candidate(manager, member, task, body, pathsOf(member, members, listing)),
    ),
  );
  const ofRoot = scriptsOf(root)
    .filter(([task, body]) => !(fansOut.test(body) && ofMembers.some((one) => one.task === task)))
    .map(([task, body]) => candidate(manager, root, task, body, []));
  return [...ofRoot, ...ofMembers];
}

function scriptsOf(from: NodePackage): [string, string][] {
  return tasks.flatMap((task): [string, string][] => {
    const body = from.scripts[task];
    return body === undefined || body.trim() === "" || noTest.test(body) ? [] : [[task, body]];
  });
}

function candidate(
  manager: PackageManager,
  from: NodePackage,
  task: string,
  body: string,
  paths: readonly string[],
): Candidate {
  const script = manager.runScript(from, task);
  const line = manager.install === undefined ? script : `${manager.install} && ${script}`;
  return {
    task,
    tool: manager.name,
    folder: from.folder,
    title: from.folder === "" ? task : `${from.name ?? from.folder}: ${task}`,
    entrypoint: script,
    command: ["sh", "-c", line],
    paths,
    body,
    calledAs:
      from.folder === ""
        ? new RegExp(
            `\\b(npm|pnpm|yarn|bun)(\\s+run)?(\\s+-+\\S+)*\\s+${literalPattern(task)}(?![\\w:-])`,
          )
        : /(?!)/,
  };
}

/** A workspace's own files, those of the workspaces it uses, and what decides its dependencies. */
function pathsOf(
  member: NodePackage,
  members: readonly NodePackage[],
  listing: Listing,
): readonly string[] {
  const used = new Set([member]);
  for (const one of used) {
    for (const other of members) {
      if (other.name !== undefined && one.dependencies.includes(other.name)) used.add(other);
    }
  }
  const shared = [
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
    "bun.lock",
    "tsconfig.json",
    "tsconfig.base.json",
  ].filter((path) => listing.paths.includes(path));
  return [...[...used].map((one) => below(one.folder)).sort(), ...shared.map(literalGlob)];
}
