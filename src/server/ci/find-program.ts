import { closeSync, constants, openSync, readSync, type Stats, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { isProgram } from "../../process/search-path.ts";

export type ProgramAnswer = { readonly path: string } | { readonly problem: string };

/**
 * Finds a lane's program: names with a `/` from the workspace's root, others along PATH. Says in
 * one line what is wrong, since the system's own answer for a missing interpreter names the script.
 */
export function findProgram(name: string, tree: string, searchPath: string): ProgramAnswer {
  if (name.includes("/")) return checkProgram(name, resolve(tree, name), tree);
  for (const dir of searchPath.split(":").filter((one) => one !== "")) {
    const path = join(isAbsolute(dir) ? dir : join(tree, dir), name);
    if (isProgram(path)) return checkProgram(name, path, tree);
  }
  return { problem: `program not found: ${shown(name)} is not in PATH` };
}

function checkProgram(name: string, path: string, tree: string): ProgramAnswer {
  const found = statOf(path);
  if (found === undefined) return { problem: `program not found: ${shown(name)}` };
  if (!found.isFile()) return { problem: `${shown(name)} is not a program but a folder or device` };
  if (!isProgram(path)) {
    return {
      problem: `${shown(name)} is not executable; \`git update-index --chmod=+x\` makes it so`,
    };
  }
  const interpreter = interpreterOf(path);
  if (interpreter !== undefined && statOf(resolve(tree, interpreter)) === undefined) {
    return { problem: `program not found: ${shown(interpreter)}, which ${shown(name)} asks for` };
  }
  return { path };
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The program that a script's first line names. */
function interpreterOf(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(256);
      const start = buffer.subarray(0, readSync(file, buffer)).toString("latin1");
      return /^#![ \t]*([^\s]+)/.exec(start)?.[1];
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
