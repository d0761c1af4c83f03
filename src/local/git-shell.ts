import { LandError } from "../domain/errors.ts";
import { parsePackRequest, servePack } from "../git/serve-pack.ts";
import { parsePublicKey } from "../identity/keys.ts";
import { readActiveKeys } from "./active-keys.ts";
import type { ForgeLayout } from "./local-forge.ts";
import { requireSettings } from "./settings.ts";

export interface GitSession {
  /** The forges that the connection's key is bound to; the path that is asked for names one. */
  readonly layouts: readonly ForgeLayout[];
  /** Whose key the connection was made with. */
  readonly npub: string;
  /** What the other end asked for; undefined: a shell. */
  readonly command: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** A forge as an SSH address may name it. */
interface Served {
  readonly layout: ForgeLayout;
  /** `owner/name` or `name`. */
  readonly repo: string;
}

/**
 * One SSH connection: git is served for the canonical repository of one of these forges, and
 * nothing else. The connection may be older than the day on which its key was taken out, so that
 * is looked at again. Answers git's exit code. Throws LandError for anything else that is asked for.
 */
export async function serveGitSession(session: GitSession): Promise<number> {
  const { command, env, signal } = session;
  const pushedBy = parsePublicKey(session.npub);
  if (pushedBy === undefined) throw refused("The connection's key belongs to no npub.");
  const all = await usable(session.layouts);
  if (command === undefined || command.trim() === "") {
    throw refused(`There is no shell here, only git: ${addressesOf(all)}.`);
  }
  const request = parsePackRequest(command);
  if (request === undefined) throw refused("Only git's clone, fetch and push are served here.");
  const { layout } = forgeAt(request.path, all);
  if ((await readActiveKeys(layout))?.has(pushedBy) !== true) throw notActive();
  return servePack(request.service, layout.repositoryDir, { env, pushedBy, signal });
}

/** The forges whose settings can be read. Throws why where there is none: one keeps no other out. */
async function usable(layouts: readonly ForgeLayout[]): Promise<readonly Served[]> {
  const looked = await Promise.allSettled(
    layouts.map(async (layout) => ({ layout, repo: (await requireSettings(layout)).repo })),
  );
  const good = looked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const bad = looked.find((one) => one.status === "rejected");
  if (good.length === 0 && bad !== undefined) throw bad.reason;
  return good;
}

/** The one forge that a path names; a short name that two forges share names neither. */
function forgeAt(path: string, all: readonly Served[]): Served {
  const named = all.filter((one) => namesOf(one).has(path));
  const [found] = named;
  if (found === undefined) {
    throw refused(`There is no such repository here, only ${addressesOf(all)}.`);
  }
  if (named.length > 1) {
    throw refused(`Two repositories here are called so; name it in full: ${addressesOf(all)}.`);
  }
  return found;
}

/** What the canonical repository may be called in an address. */
function namesOf({ repo, layout }: Served): ReadonlySet<string> {
  const names = [repo, shortName(repo)].flatMap((name) => [name, `${name}.git`]);
  return new Set([layout.repositoryDir, ...names, ...names.map((name) => `/${name}`)]);
}

/** As short as tells them apart. */
function addressesOf(all: readonly Served[]): string {
  const short = all.map(({ repo }) => shortName(repo));
  const areApart = new Set(short).size === short.length;
  return (areApart ? short : all.map(({ repo }) => repo)).map((name) => `${name}.git`).join(", ");
}

function shortName(repo: string): string {
  return repo.split("/").at(-1) ?? repo;
}

function refused(words: string): LandError {
  return new LandError("forbidden", words, {
    state: "Nothing was read or changed.",
    next: "Use the address of the remote that you were given.",
  });
}

function notActive(): LandError {
  return new LandError("forbidden", "Your key is not active at this forge.", {
    state: "Nothing was read or changed.",
    next: "Ask the forge's owner: `land members` shows who is let in.",
  });
}
