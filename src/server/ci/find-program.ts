import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";

export type ProgramAnswer = { readonly path: string } | { readonly problem: string };

/**
 * Finds a lane's program: names with a `/` from the workspace's root, others along PATH. Says in
 * one line what is wrong, since the system's own answer for a missing interpreter names the script.
 */
export async function findProgram(
  name: string,
  tree: string,
  searchPath: string,
): Promise<ProgramAnswer> {
  if (name.includes("/")) return checkProgram(name, resolve(tree, name), tree);
  for (const dir of searchPath.split(":").filter((one) => one !== "")) {
    const path = join(isAbsolute(dir) ? dir : join(tree, dir), name);
    if (await isExecutable(path)) return checkProgram(name, path, tree);
  }
  return { problem: `program not found: ${shown(name)} is not in PATH` };
}

async function checkProgram(name: string, path: string, tree: string): Promise<ProgramAnswer> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { problem: `program not found: ${shown(name)}` };
  if (!found.isFile()) return { problem: `${shown(name)} is not a program but a folder or device` };
  if (!(await isExecutable(path))) {
    return {
      problem: `${shown(name)} is not executable; \`git update-index --chmod=+x\` makes it so`,
    };
  }
  const interpreter = await interpreterOf(path);
  if (interpreter !== undefined) {
    const needed = await stat(resolve(tree, interpreter)).catch(() => undefined);
    if (needed === undefined) {
      return { problem: `program not found: ${shown(interpreter)}, which ${shown(name)} asks for` };
    }
  }
  return { path };
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The program that a script's first line names. */
async function interpreterOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
      const start = buffer.subarray(0, bytesRead).toString("latin1");
      return /^#![ \t]*([^\s]+)/.exec(start)?.[1];
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
