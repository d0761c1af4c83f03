import { logoutAnswer } from "../contract/auth.ts";
import { paths } from "../contract/paths.ts";
import { LandError } from "../domain/errors.ts";
import type { Bunker } from "../identity/bunker.ts";
import { newSecretKey } from "../identity/keys.ts";
import type { RemoteSignerOptions } from "../identity/remote-signer.ts";
import {
  belongsTo,
  normalBaseUrl,
  removeSession,
  type Session,
  writeSession,
} from "../identity/sessions.ts";
import type { Signer } from "../identity/signer.ts";
import {
  readSignerConnection,
  removeSignerConnection,
  type SignerConnection,
  writeSignerConnection,
} from "../identity/signer-connection.ts";
import {
  hostedSessionFile,
  hostedSessions,
  referenceSessionFile,
  shareWithReference,
  signerConnectionFile,
} from "./hosted-sessions.ts";
import { ForgeHttp } from "./http.ts";
import { detectFlavour } from "./prefix.ts";
import { logIn } from "./session.ts";

/** What of the reference client's session file is wanted: kept out, shared, shared at any price. */
export type SharedSession = "never" | "unless_other" | "replace";

export interface HostedPlace {
  readonly baseUrl: string;
  readonly stateHome: string;
  /** The reference client's session file; default: its usual place. */
  readonly referenceFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HostedLogin {
  readonly session: Session;
  /** What a person should know of it. */
  readonly notes: readonly string[];
}

/** Logs in at a hosted forge and stores the session; from then on its repositories belong to it. */
export async function logInHosted(
  request: HostedPlace & { signer: Signer; share?: SharedSession },
): Promise<HostedLogin> {
  const baseUrl = normalBaseUrl(request.baseUrl);
  const http = new ForgeHttp({ baseUrl });
  const { prefix } = await detectFlavour(http, request.signal);
  const session = await logIn(http, prefix, request.signer, request.signal);
  await writeSession(hostedSessionFile(request.stateHome, baseUrl), session);
  const share = request.share ?? "unless_other";
  if (share === "never") return { session, notes: [] };
  const note = await shareWithReference(referenceFileOf(request), session, share === "replace");
  return { session, notes: note === undefined ? [] : [note] };
}

/** How a remote signer is asked during a login. */
export type SignerTalk = Pick<RemoteSignerOptions, "onPage" | "answerMs" | "pageMs">;

/**
 * Logs in at a hosted forge by a remote signer, so that the key never comes here. `bunker`
 * undefined: by the connection that an earlier login made. The connection is kept as soon as the
 * signer knows our side of it, since the secret of its address is used up then.
 */
export async function logInHostedRemotely(
  request: HostedPlace & SignerTalk & { bunker: Bunker | undefined; share?: SharedSession },
): Promise<HostedLogin> {
  const baseUrl = normalBaseUrl(request.baseUrl);
  const file = signerConnectionFile(request.stateHome, baseUrl);
  const stored = request.bunker === undefined ? await usableConnection(file, baseUrl) : undefined;
  const bunker = request.bunker ?? stored?.bunker;
  if (bunker === undefined) throw noConnection(baseUrl);
  const clientKey = stored?.clientKey ?? newSecretKey();
  const { onPage, answerMs, pageMs, signal } = request;
  // Only who talks to a remote signer loads what that takes.
  const { withRemoteSigner } = await import("../identity/remote-signer.ts");
  const talk = { bunker, clientKey, known: stored !== undefined, onPage, answerMs, pageMs, signal };
  return withRemoteSigner(talk, async (signer) => {
    const npub = await signer.npub();
    if (stored === undefined) {
      const kept = { ...bunker, secret: undefined };
      await writeSignerConnection(file, { baseUrl, npub, bunker: kept, clientKey });
    } else if (stored.npub !== npub) {
      throw otherKey(stored.npub, npub);
    }
    return logInHosted({ ...request, signer });
  });
}

/** Whether an earlier login at this forge was made by a remote signer. */
export async function hasSignerConnection(place: HostedPlace): Promise<boolean> {
  const baseUrl = normalBaseUrl(place.baseUrl);
  return (
    (await usableConnection(signerConnectionFile(place.stateHome, baseUrl), baseUrl)) !== undefined
  );
}

/** Forgets the connection with a remote signer, after a login with a key of another kind. */
export async function forgetSigner(place: HostedPlace): Promise<void> {
  const baseUrl = normalBaseUrl(place.baseUrl);
  await removeSignerConnection(signerConnectionFile(place.stateHome, baseUrl));
}

/**
 * Forgets the sessions with a forge, ours and the reference client's, and the connection with its
 * remote signer; ends the tokens where the forge can do that. Answers whether there was a session.
 * The forge not answering is no reason to keep the files.
 */
export async function logOutHosted(request: HostedPlace): Promise<boolean> {
  const baseUrl = normalBaseUrl(request.baseUrl);
  const stored = await hostedSessions(request.stateHome, referenceFileOf(request));
  const theirs = stored.filter(({ session }) => belongsTo(session, baseUrl));
  const tokens = new Set(theirs.map(({ session }) => session.token));
  await Promise.all(
    [...tokens].map((token) => endToken(baseUrl, token, request.signal).catch(() => {})),
  );
  let any = false;
  for (const { file } of theirs) any = (await removeSession(file)) || any;
  await forgetSigner(request);
  return any;
}

/** Ends a token at a forge that can do that; the reference has no such call. */
export async function endToken(
  baseUrl: string,
  token: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const http = new ForgeHttp({ baseUrl });
  const { prefix, about } = await detectFlavour(http, signal);
  if (about === undefined) return;
  await http.call(
    {
      method: "POST",
      path: `${prefix}${paths.logout()}`,
      answer: logoutAnswer,
      token: { value: token, baseUrl },
    },
    signal,
  );
}

function referenceFileOf(place: HostedPlace): string {
  return place.referenceFile ?? referenceSessionFile(place.stateHome);
}

async function usableConnection(
  file: string,
  baseUrl: string,
): Promise<SignerConnection | undefined> {
  const stored = await readSignerConnection(file);
  return stored?.baseUrl === baseUrl ? stored : undefined;
}

function noConnection(baseUrl: string): LandError {
  return new LandError("bad_argument", `No remote signer is known for ${baseUrl}.`, {
    state: "Nothing was sent.",
    next: "Give its address on standard input: `land login --bunker -`.",
  });
}

function otherKey(before: string, now: string): LandError {
  return new LandError(
    "unauthorized",
    `The remote signer now signs with ${now}; this login was made with ${before}.`,
    {
      state: "No login was made.",
      next: "Choose the former key in the signer, or begin anew: `land logout`, then `land login --bunker -`.",
    },
  );
}
