/** When a section is shown. A small closed language: nothing in it runs anything. */
export type Condition =
  | { readonly kind: "repository" }
  | { readonly kind: "forge" }
  /** A file or folder of that name in the work tree. */
  | { readonly kind: "file"; readonly path: string }
  /** A program of that name in the PATH. */
  | { readonly kind: "command"; readonly name: string };

/** What conditions are held against. */
export interface Circumstances {
  readonly repository: boolean;
  readonly forge: boolean;
  hasFile(path: string): boolean;
  hasCommand(name: string): boolean;
}

export const conditionWords = "`repository`, `forge`, `file: PATH` or `command: NAME`";

/** Reads one condition, such as `forge` or `file: PATH`; undefined for anything else. */
export function parseCondition(text: string): Condition | undefined {
  const [, word, rest] = /^\s*([a-z]+)\s*(?::\s*(.*\S))?\s*$/.exec(text) ?? [];
  if (rest === undefined) {
    return word === "repository" || word === "forge" ? { kind: word } : undefined;
  }
  if (word === "file") return isInside(rest) ? { kind: "file", path: rest } : undefined;
  if (word === "command") {
    return /^[\w.+-]+$/.test(rest) ? { kind: "command", name: rest } : undefined;
  }
  return undefined;
}

/** Whether a relative path stays below the folder it is meant for, by its words alone. */
export function isInside(path: string): boolean {
  const parts = path.split("/");
  return !path.startsWith("/") && !path.includes("\0") && !parts.includes("..");
}

/** Why a section is not shown here; undefined where all its conditions hold. */
export function whyNot(
  conditions: readonly Condition[],
  circumstances: Circumstances,
): string | undefined {
  const failing = conditions.find((condition) => !holds(condition, circumstances));
  if (failing === undefined) return undefined;
  switch (failing.kind) {
    case "repository":
      return "no git repository here";
    case "forge":
      return "no forge here";
    case "file":
      return `no ${failing.path} here`;
    case "command":
      return `no program ${failing.name} here`;
  }
}

function holds(condition: Condition, circumstances: Circumstances): boolean {
  switch (condition.kind) {
    case "repository":
      return circumstances.repository;
    case "forge":
      return circumstances.forge;
    case "file":
      return circumstances.hasFile(condition.path);
    case "command":
      return circumstances.hasCommand(condition.name);
  }
}
