import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { LandError } from "../domain/errors.ts";
import { type Belonging, findBelonging } from "../forges/belonging.ts";
import { sessionFileIn } from "../forges/hosted-sessions.ts";
import { Connections, type OpenOptions } from "../forges/open.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import { tokenNow } from "../identity/sessions.ts";
import { type KeyKind, keyFile, sessionFile } from "../local/layout.ts";
import type { ForgeLayout } from "../local/local-forge.ts";
import { agentOf, agentsHere, keyOfAgent, namedKey } from "../local/named-agents.ts";
import { readSettingsNow } from "../local/settings.ts";
import type { Worktree } from "./worktree.ts";

/** What it takes to open work trees; given by a composition root. */
export interface WorktreeOptions extends OpenOptions {
  /** Where relative paths begin, and what is opened where none is named. */
  readonly cwd: string;
  readonly stateHome: string;
  /** A forge named by flag or environment. */
  readonly baseUrl?: string | undefined;
  /** The named agent of this session, whatever its work trees say. */
  readonly agent?: string | undefined;
}

/** A hosted forge that a command line names; it goes before what the process was started with. */
export interface NamedForge {
  readonly baseUrl: string | undefined;
  /** The reference client's state folder; the session in it goes before all others. */
  readonly referenceStateDir: string | undefined;
}

const noneNamed: NamedForge = { baseUrl: undefined, referenceStateDir: undefined };

export type OpenWorktree = (
  path: string | undefined,
  signal?: AbortSignal,
  named?: NamedForge,
) => Promise<Worktree>;

/**
 * Opens the work tree at a path with the forge its repository belongs to. What is found is looked
 * up anew each time; connections are shared, so that a process has one login and one event stream
 * per forge however many calls there are. Throws `not_a_repository` and `no_forge`.
 */
export function worktreeOpener(options: WorktreeOptions): OpenWorktree {
  const connections = new Connections(options);
  return async (path, signal, named = noneNamed) => {
    const copy = await openWorkingCopy(resolve(options.cwd, path ?? "."), options.env);
    const git = new Git({ dir: copy.path, env: options.env });
    const belonging = await findBelonging({ git, ...placeNamed(options, named) }, signal);
    const local = belonging.kind === "local" ? belonging.layout : undefined;
    const agent = local === undefined ? undefined : await agentOf(copy.gitDir, options.agent);
    return {
      path: copy.path,
      copy,
      remote: belonging.remote,
      agent,
      agentsHere: async () => (local === undefined ? [] : agentsHere(local)),
      async forge(forgeSignal) {
        const key = local === undefined ? "agent" : await keyOfAgent(local, agent);
        return connections.open(belonging, key, forgeSignal ?? signal);
      },
      async forgeAsOwner(forgeSignal) {
        await requireOwnersKey(belonging);
        return connections.open(belonging, "owner", forgeSignal ?? signal);
      },
      secrets: () => knownSecrets(belonging, agent),
    };
  };
}

function placeNamed({ stateHome, cwd, baseUrl }: WorktreeOptions, named: NamedForge) {
  const { referenceStateDir: dir } = named;
  return {
    stateHome,
    baseUrl: named.baseUrl ?? baseUrl,
    insisted: named.baseUrl,
    referenceFile: dir === undefined ? undefined : sessionFileIn(resolve(cwd, dir)),
  };
}

/**
 * What must never be shown: tokens of sessions, and the values that the owner gave to lanes. Read at
 * each use, since the first login of a work tree comes after it was opened.
 */
function knownSecrets(belonging: Belonging, agent: string | undefined): readonly string[] {
  const files =
    belonging.kind === "local"
      ? keysOf(agent).map((key) => sessionFile(belonging.layout, key))
      : [belonging.sessionFile].filter((file) => file !== undefined);
  const tokens = files.map(tokenNow).filter((token) => token !== undefined);
  return belonging.kind === "local"
    ? [...tokens, ...Object.values(belonging.settings.laneEnv), ...laneValuesNow(belonging.layout)]
    : tokens;
}

function keysOf(agent: string | undefined): readonly KeyKind[] {
  const shared: readonly KeyKind[] = ["agent", "owner"];
  try {
    return agent === undefined ? shared : [...shared, namedKey(agent)];
  } catch {
    return shared;
  }
}

function laneValuesNow(layout: ForgeLayout): readonly string[] {
  try {
    return Object.values(readSettingsNow(layout).laneEnv);
  } catch {
    return [];
  }
}

async function requireOwnersKey(belonging: Belonging): Promise<void> {
  if (belonging.kind === "hosted") return;
  try {
    await access(keyFile(belonging.layout, "owner"));
  } catch (cause) {
    throw new LandError("forbidden", "The owner's key of this forge cannot be read here.", {
      state: "Nothing was changed.",
      next: "The forge's owner does it at a terminal, as the user who ran `land init`.",
      cause,
    });
  }
}
