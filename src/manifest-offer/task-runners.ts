import { type Candidate, type Listing, literalPattern, tasks } from "./lane.ts";

interface Runner {
  readonly tool: "make" | "just";
  readonly files: readonly string[];
  /** The head of a target or recipe, its name in the first group. */
  readonly head: RegExp;
}

const runners: readonly Runner[] = [
  {
    tool: "make",
    files: ["GNUmakefile", "makefile", "Makefile"],
    head: /^([A-Za-z0-9][\w.-]*(?:\s+[\w.-]+)*)\s*::?(?![:=])/,
  },
  {
    tool: "just",
    files: ["justfile", "Justfile", ".justfile", "JUSTFILE"],
    head: /^@?([A-Za-z][\w-]*)(?:\s+[^:]*)?:(?!=)/,
  },
];

/** Lanes for the targets of a Makefile and the recipes of a justfile at the repository's top. */
export function taskRunnerCandidates(listing: Listing): Candidate[] {
  return runners.flatMap((runner) => {
    const file = runner.files.find((path) => listing.paths.includes(path));
    const text = file === undefined ? undefined : listing.read(file);
    if (text === undefined) return [];
    const targets = targetsOf(text, runner.head);
    return tasks.flatMap((task) => {
      const body = targets.get(task);
      return body === undefined ? [] : [candidate(runner.tool, task, body)];
    });
  });
}

function candidate(tool: "make" | "just", task: string, body: string): Candidate {
  return {
    task,
    tool,
    folder: "",
    title: task,
    entrypoint: `${tool} ${task}`,
    command: [tool, task],
    paths: [],
    body,
    calledAs: new RegExp(`\\b(${tool}|\\$\\(MAKE\\))\\s+${literalPattern(task)}(?![\\w-])`),
  };
}

/** Each target's name with what it runs; a prerequisite counts as a call of the same tool. */
function targetsOf(text: string, head: RegExp): Map<string, string> {
  const targets = new Map<string, string>();
  let names: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const found = head.exec(line);
    if (found?.[1] !== undefined) {
      names = found[1].split(/\s+/);
      const needs = line.slice(found[0].length).trim().split(/\s+/).filter(Boolean);
      const calls = needs.flatMap((need) => [`make ${need}`, `just ${need}`]).join("\n");
      for (const name of names) targets.set(name, `${targets.get(name) ?? ""}${calls}\n`);
    } else if (/^\s+\S/.test(line)) {
      for (const name of names) targets.set(name, `${targets.get(name) ?? ""}${line.trim()}\n`);
    } else if (/^\S/.test(line)) {
      names = [];
    }
  }
  return targets;
}
