import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { LandError } from "../domain/errors.ts";
import { ensureKeyFile, npubOf, readKeyFile } from "../identity/keys.ts";
import { ensurePrivateFolder, writePrivateFile } from "../identity/private-file.ts";
import { type KeyKind, keyFile, type NamedKey } from "./layout.ts";
import type { ForgeLayout } from "./local-forge.ts";

/**
 * Agents with a key of their own. Which one a work tree speaks as is a file in its own git dir: no
 * other work tree has it, it goes when the work tree goes, and git needs no extension for it.
 */
const markName = "land-as";

/** The variable that names the agent of one session, whatever its work tree says. */
export const agentVariable = "LAND_AS";

const namePattern = /^[a-z0-9]([a-z0-9._-]{0,38}[a-z0-9])?$/;
const reserved = ["agent", "owner"];

/** The key of a name. Throws `bad_argument` for what is no name of an agent. */
export function namedKey(name: string): NamedKey {
  if (namePattern.test(name) && !reserved.includes(name)) return `agents/${name}`;
  throw new LandError("bad_argument", "That is no name for an agent.", {
    state: "Nothing was changed.",
    next: "Use 1 to 40 small letters, digits, dots, dashes and underscores, such as `claude-2`; `agent` and `owner` are taken.",
  });
}

/** The agent that a work tree speaks as; undefined: the one that all share. */
export async function agentOf(
  gitDir: string,
  fromEnvironment: string | undefined,
): Promise<string | undefined> {
  if (fromEnvironment !== undefined) return fromEnvironment;
  const text = await readFile(join(gitDir, markName), "utf8").catch(() => "");
  const name = text.trim();
  return name === "" ? undefined : name;
}

/** Lets a work tree speak as an agent from now on. */
export async function setAgentOf(gitDir: string, name: string): Promise<void> {
  await writePrivateFile(join(gitDir, markName), `${name}\n`);
}

/** Lets a work tree speak as the agent that all share again. Answers whether it did not before. */
export async function unsetAgentOf(gitDir: string): Promise<boolean> {
  try {
    await rm(join(gitDir, markName));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** The key for an agent's name that is here; without a name the shared agent's. */
export async function keyOfAgent(layout: ForgeLayout, name: string | undefined): Promise<KeyKind> {
  if (name === undefined) return "agent";
  const key = namedKey(name);
  try {
    await readKeyFile(keyFile(layout, key));
    return key;
  } catch (cause) {
    throw new LandError("unauthorized", `There is no usable key for the agent ${name} here.`, {
      state: "Nothing was sent.",
      next: `Run \`land login --as ${name}\`, which makes one; or unset ${agentVariable}, or run \`land logout\` in this work tree, to go on as the shared agent.`,
      cause,
    });
  }
}

/** Makes the key of a name where there is none. Answers its public name. */
export async function ensureAgentKey(layout: ForgeLayout, name: string): Promise<string> {
  const file = keyFile(layout, namedKey(name));
  await ensurePrivateFolder(layout.keysDir);
  await ensurePrivateFolder(join(layout.keysDir, "agents"));
  return (await ensureKeyFile(file)).npub;
}

/** An agent whose key is here, let in or not. */
export interface AgentHere {
  readonly name: string;
  readonly npub: string;
}

/** The agents that have keys of their own here, by name. */
export async function agentsHere(layout: ForgeLayout): Promise<readonly AgentHere[]> {
  const files = await readdir(join(layout.keysDir, "agents")).catch(() => []);
  const names = files
    .filter((file) => file.endsWith(".nsec"))
    .map((file) => file.slice(0, -".nsec".length))
    .filter((name) => namePattern.test(name))
    .sort();
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        return { name, npub: npubOf(await readKeyFile(keyFile(layout, namedKey(name)))) };
      } catch {
        return undefined;
      }
    }),
  );
  return found.filter((agent) => agent !== undefined);
}
