import { LandError } from "../domain/errors.ts";
import { parsePackRequest, servePack } from "../git/serve-pack.ts";
import { parsePublicKey } from "../identity/keys.ts";
import type { ForgeLayout } from "./local-forge.ts";
import { requireSettings } from "./settings.ts";

export interface GitSession {
  readonly layout: ForgeLayout;
  /** Whose key the connection was made with. */
  readonly npub: string;
  /** What the other end asked for; undefined: a shell. */
  readonly command: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * One SSH connection: git is served for this forge's canonical repository, and nothing else.
 * Answers git's exit code. Throws LandError for anything else that is asked for.
 */
export async function serveGitSession(session: GitSession): Promise<number> {
  const { layout, command, env, signal } = session;
  const pushedBy = parsePublicKey(session.npub);
  if (pushedBy === undefined) throw refused("The connection's key belongs to no npub.");
  const { repo } = await requireSettings(layout);
  const address = `${repo.split("/").at(-1) ?? repo}.git`;
  if (command === undefined || command.trim() === "") {
    throw refused(`There is no shell here, only git: the repository is ${address}.`);
  }
  const request = parsePackRequest(command);
  if (request === undefined) throw refused("Only git's clone, fetch and push are served here.");
  if (!namesOf(repo, layout).has(request.path)) {
    throw refused(`There is no such repository here; this forge's is ${address}.`);
  }
  return servePack(request.service, layout.repositoryDir, { env, pushedBy, signal });
}

/** What the canonical repository may be called in an address. */
function namesOf(repo: string, layout: ForgeLayout): ReadonlySet<string> {
  const short = repo.split("/").at(-1) ?? repo;
  const names = [repo, short].flatMap((name) => [name, `${name}.git`]);
  return new Set([layout.repositoryDir, ...names, ...names.map((name) => `/${name}`)]);
}

function refused(words: string): LandError {
  return new LandError("forbidden", words, {
    state: "Nothing was read or changed.",
    next: "Use the address of the remote that you were given.",
  });
}
