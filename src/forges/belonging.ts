import { basename, dirname, isAbsolute } from "node:path";
import { LandError } from "../domain/errors.ts";
import type { Git } from "../git/git.ts";
import { normalBaseUrl, refuseOtherForge } from "../identity/sessions.ts";
import { forgeAt, type KnownForge } from "../local/find-forge.ts";
import { remoteAddress } from "../local/remote-address.ts";
import {
  forgeKey,
  forgeRemote,
  type Remote,
  readOwnConfig,
  readRemotes,
  remoteOfForge,
} from "../local/repository-settings.ts";
import { hostedSessions, type StoredSession } from "./hosted-sessions.ts";
import { targetOfRemote } from "./remote-target.ts";

/** Which forge a repository belongs to, and the git remote that leads there. */
export type Belonging =
  | ({ readonly kind: "local"; readonly remote: string } & KnownForge)
  | {
      readonly kind: "hosted";
      readonly baseUrl: string;
      readonly remote: string;
      /** The remote's default branch. */
      readonly target: string | undefined;
      readonly sessionFile: string | undefined;
    };

export interface BelongingRequest {
  readonly git: Git;
  readonly stateHome: string;
  /** A forge named by flag or environment; a session with another one is then refused. */
  readonly baseUrl?: string | undefined;
  /** The one that this very command names, which is more than a default: no other may be meant. */
  readonly insisted?: string | undefined;
  /** The reference client's session file that was named; it goes before all others. */
  readonly referenceFile?: string | undefined;
}

/**
 * Which forge a repository belongs to: git config `land.forge`, else the remote `forge`, else an
 * origin whose host has a session. No host without a session is ever asked. Throws `no_forge`.
 */
export async function findBelonging(
  request: BelongingRequest,
  signal?: AbortSignal,
): Promise<Belonging> {
  const found = await belongingOf(request, signal);
  if (found.kind === "local" && request.insisted !== undefined) {
    refuseOtherThanLocal(found, normalBaseUrl(request.insisted));
  }
  return found;
}

async function belongingOf(
  request: BelongingRequest,
  signal: AbortSignal | undefined,
): Promise<Belonging> {
  const { git } = request;
  const [configured, remotes] = await Promise.all([
    readOwnConfig(git, forgeKey, signal),
    readRemotes(git, signal),
  ]);
  if (configured !== undefined) return fromConfig(request, configured, remotes, signal);
  const forge = remotes.find((remote) => remote.name === forgeRemote);
  const origin = remotes.find((remote) => remote.name === "origin");
  for (const remote of [forge, origin]) {
    if (remote === undefined) continue;
    const found = await fromRemote(request, remote, signal);
    if (found !== undefined) return found;
  }
  const named = forge === undefined ? undefined : await fromNamed(request, forge, signal);
  if (named !== undefined) return named;
  throw noForge(
    "This repository belongs to no forge yet.",
    origin === undefined
      ? "Run `land init` to give it a local one."
      : "Run `land init` to give it a local one, or `land login --base-url URL` if its origin is a forge.",
  );
}

async function fromConfig(
  request: BelongingRequest,
  configured: string,
  remotes: readonly Remote[],
  signal: AbortSignal | undefined,
): Promise<Belonging> {
  if (!isAbsolute(configured)) return fromConfiguredUrl(request, configured, remotes, signal);
  const known = await forgeAt(configured);
  if (known === undefined) {
    throw noForge(
      `The forge that this repository belongs to is gone: ${configured} holds none.`,
      "Restore that folder, or run `land init` to make a new forge.",
    );
  }
  const remote = remoteOfForge(remotes, known.layout);
  if (remote === undefined) {
    throw noForge(
      "No git remote leads to this repository's forge.",
      "Run `land init`, which adds it again and changes nothing else.",
    );
  }
  return { kind: "local", remote, ...known };
}

/** An address in the config is the repository's own word that this host is its forge. */
async function fromConfiguredUrl(
  request: BelongingRequest,
  configured: string,
  remotes: readonly Remote[],
  signal: AbortSignal | undefined,
): Promise<Belonging> {
  const baseUrl = addressInConfig(configured);
  const remote = remoteOfAddress(remotes, baseUrl, request.git.place.dir);
  if (remote === undefined) {
    throw noForge(
      `No git remote is known to lead to ${baseUrl}, which this repository belongs to.`,
      `Add the forge's repository as a remote named \`${forgeRemote}\`.`,
    );
  }
  const sessions = await sessionsFor(request);
  const stored = sessions.find(({ session }) => sameForge(session.base_url, baseUrl));
  return hosted(request, remote, baseUrl, stored, signal);
}

/** The remote named `forge`; else one on the forge's host; else origin, or the only one. */
function remoteOfAddress(
  remotes: readonly Remote[],
  baseUrl: string,
  dir: string,
): Remote | undefined {
  const host = new URL(baseUrl).hostname.toLowerCase();
  const isThere = ({ url }: Remote) => {
    const address = remoteAddress(url, dir);
    return address?.kind === "host" && address.host === host;
  };
  return (
    remotes.find(({ name }) => name === forgeRemote) ??
    remotes.find(isThere) ??
    remotes.find(({ name }) => name === "origin") ??
    (remotes.length === 1 ? remotes[0] : undefined)
  );
}

async function fromRemote(
  request: BelongingRequest,
  remote: Remote,
  signal: AbortSignal | undefined,
): Promise<Belonging | undefined> {
  const address = remoteAddress(remote.url, request.git.place.dir);
  if (address === undefined) return undefined;
  if (address.kind === "path") {
    // Only a remote of that name claims to be a forge; another path is just a repository.
    if (remote.name !== forgeRemote || basename(address.path) !== "repository.git")
      return undefined;
    const known = await forgeAt(dirname(address.path));
    return known === undefined ? undefined : { kind: "local", remote: remote.name, ...known };
  }
  const there = (await sessionsFor(request)).filter(
    ({ session }) => new URL(session.base_url).hostname.toLowerCase() === address.host,
  );
  const stored = there.find(({ session }) => isNamed(request, session)) ?? there[0];
  if (stored === undefined) return undefined;
  return hosted(request, remote, normalBaseUrl(stored.session.base_url), stored, signal);
}

/**
 * A remote named `forge` leads to a forge whatever its host is called, so that a forge which is named
 * and has a session can be it. Of any other remote that is not known.
 */
async function fromNamed(
  request: BelongingRequest,
  remote: Remote,
  signal: AbortSignal | undefined,
): Promise<Belonging | undefined> {
  const { baseUrl, referenceFile } = request;
  const stored = (await sessionsFor(request)).find(({ file, session }) =>
    baseUrl === undefined ? file === referenceFile : isNamed(request, session),
  );
  if (stored === undefined) return undefined;
  return hosted(request, remote, normalBaseUrl(stored.session.base_url), stored, signal);
}

async function sessionsFor(request: BelongingRequest): Promise<readonly StoredSession[]> {
  const { stateHome, referenceFile } = request;
  const all = await hostedSessions(stateHome, referenceFile);
  const first = all.filter(({ file }) => file === referenceFile);
  return [...first, ...all.filter(({ file }) => file !== referenceFile)];
}

function isNamed({ baseUrl }: BelongingRequest, session: StoredSession["session"]): boolean {
  return baseUrl !== undefined && sameForge(session.base_url, normalBaseUrl(baseUrl));
}

async function hosted(
  request: BelongingRequest,
  remote: Remote,
  baseUrl: string,
  stored: StoredSession | undefined,
  signal: AbortSignal | undefined,
): Promise<Belonging> {
  if (request.baseUrl !== undefined && stored !== undefined) {
    refuseOtherForge(stored.session, normalBaseUrl(request.baseUrl));
  }
  return {
    kind: "hosted",
    baseUrl,
    remote: remote.name,
    target: await targetOfRemote(request.git, remote.name, signal),
    sessionFile: stored?.file,
  };
}

/** A command that names a hosted forge is never carried out on the local one. */
function refuseOtherThanLocal({ settings }: KnownForge, named: string): void {
  const { hostname, port } = new URL(named);
  const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  if (named === settings.canonicalUrl || (isHere && port === String(settings.port))) return;
  throw new LandError(
    "bad_argument",
    `This repository belongs to its local forge, not to ${named}.`,
    {
      state: "No request was sent.",
      next: "Leave out `--base-url`, or name a work tree of that forge with `-C FOLDER`.",
    },
  );
}

function addressInConfig(configured: string): string {
  try {
    return normalBaseUrl(configured);
  } catch {
    throw noForge(
      `Git config ${forgeKey} of this repository names neither a forge's state folder nor its address.`,
      `Unset it (\`git config --unset ${forgeKey}\`), then run \`land init\`.`,
    );
  }
}

function sameForge(a: string, b: string): boolean {
  return normalBaseUrl(a) === b;
}

function noForge(what: string, next: string): LandError {
  return new LandError("no_forge", what, { state: "Nothing was changed.", next });
}
