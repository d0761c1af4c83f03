import { stat } from "node:fs/promises";
import { challengeAnswer, verifyAnswer } from "../contract/auth.ts";
import { type Prefix, paths } from "../contract/paths.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import { loginEvent } from "../identity/login-event.ts";
import { readSessionFor, type Session, writeSession } from "../identity/sessions.ts";
import type { Signer } from "../identity/signer.ts";
import { oneLine } from "../text/control.ts";
import type { Call, ForgeHttp, Token } from "./http.ts";
import { plainWords } from "./plain-words.ts";
import { Shared } from "./with-signal.ts";

export interface LoginOptions {
  /** Without one, only a stored session can be used. */
  readonly signer?: Signer | undefined;
  /** Where the session is kept between processes; without one it lives here alone. */
  readonly sessionFile?: string | undefined;
  /** What to do where the forge does not let the signer's key in. */
  readonly whenRefused?: string | undefined;
}

/** A person may think for long before a remote signer signs; what is older than this is stale. */
const slowSignMs = 45_000;

/** Logs in by challenge and signature. Throws LandError; `unauthorized` where the key is refused. */
export async function logIn(
  http: ForgeHttp,
  prefix: Prefix,
  signer: Signer,
  signal?: AbortSignal,
): Promise<Session> {
  const first = await signChallenge(http, prefix, signer, signal);
  const { event, base } =
    first.tookMs > slowSignMs ? await signChallenge(http, prefix, signer, signal) : first;
  const verified = await http.call(
    {
      method: "POST",
      path: `${prefix}${paths.verify()}`,
      body: { event: JSON.stringify(event) },
      answer: verifyAnswer,
    },
    signal,
  );
  return {
    base_url: base,
    token: verified.token,
    npub: plainWords(verified.npub, 100),
    is_admin: verified.is_admin,
    can_forge_write: verified.can_forge_write,
  };
}

async function signChallenge(
  http: ForgeHttp,
  prefix: Prefix,
  signer: Signer,
  signal: AbortSignal | undefined,
) {
  const path = `${prefix}${paths.challenge()}`;
  const { challenge } = await http.call(
    { method: "POST", path, answer: challengeAnswer, repeatable: true },
    signal,
  );
  // The address may have changed while the forge was brought back; what was asked counts.
  const base = http.baseUrl;
  const nowMs = http.clock.now();
  const event = await signer.sign(loginEvent({ challenge, base, prefix, nowMs }));
  return { event, base, tookMs: http.clock.now() - nowMs };
}

/** Calls that need a login: uses the stored session, makes one where there is none or it ended. */
export class ForgeSession {
  readonly #http: ForgeHttp;
  readonly #prefix: () => Promise<Prefix>;
  readonly #login: LoginOptions;
  readonly #session: Shared<Session>;
  /** A token that the forge refused; not to be taken from the file again. */
  #refused: string | undefined;

  constructor(http: ForgeHttp, prefix: () => Promise<Prefix>, login: LoginOptions) {
    this.#http = http;
    this.#prefix = prefix;
    this.#login = login;
    this.#session = new Shared(() => this.#obtain());
  }

  /** Makes a call with our token; logs in once more if the token is no longer accepted. */
  async call<T>(call: Omit<Call<T>, "token">, signal?: AbortSignal): Promise<T> {
    return this.withToken((token) => this.#http.call({ ...call, token }, signal), signal);
  }

  /** Does something with a good token; done again with a new one after `unauthorized`. */
  async withToken<T>(work: (token: Token) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const token = await this.#token(signal);
    try {
      return await work(token);
    } catch (error) {
      if (!isLandError(error, "unauthorized")) throw error;
      await this.#drop(token.value);
      return work(await this.#token(signal));
    }
  }

  async #token(signal: AbortSignal | undefined): Promise<Token> {
    const session = await this.#session.get(signal);
    if (session.base_url !== this.#http.baseUrl) {
      await this.#drop(session.token);
      const fresh = await this.#session.get(signal);
      return { value: fresh.token, baseUrl: fresh.base_url };
    }
    return { value: session.token, baseUrl: session.base_url };
  }

  /** Forgets a token, unless another caller has replaced it meanwhile. */
  async #drop(token: string): Promise<void> {
    const current = await this.#session.get().catch(() => undefined);
    if (current?.token !== token) return;
    this.#refused = token;
    this.#session.forget();
  }

  async #obtain(): Promise<Session> {
    const { signer, sessionFile } = this.#login;
    const stored = sessionFile === undefined ? undefined : await this.#stored(sessionFile);
    if (stored !== undefined && stored.token !== this.#refused) {
      return { ...stored, base_url: this.#http.baseUrl };
    }
    if (signer === undefined) throw await this.#noLogin(stored, sessionFile);
    const session = await this.#logIn(signer);
    if (sessionFile !== undefined) await writeSession(sessionFile, session);
    return session;
  }

  async #logIn(signer: Signer): Promise<Session> {
    try {
      return await logIn(this.#http, await this.#prefix(), signer);
    } catch (error) {
      const { whenRefused: next } = this.#login;
      if (next === undefined || !isLandError(error, "unauthorized")) throw error;
      const { message, state, facts } = error;
      throw new LandError("unauthorized", message, { state, next, facts, cause: error });
    }
  }

  /** Says which login ended, and since when it was there, as far as that is known. */
  async #noLogin(stored: Session | undefined, file: string | undefined): Promise<LandError> {
    const { baseUrl } = this.#http;
    const next = `Run \`land login --base-url ${baseUrl}\` with a key of that forge.`;
    if (stored === undefined || file === undefined) {
      return new LandError("unauthorized", `There is no login for ${baseUrl}.`, {
        state: "No session is stored.",
        next,
      });
    }
    const since = await stat(file).then(
      ({ mtime }) => ` of ${mtime.toISOString().slice(0, 10)}`,
      () => "",
    );
    return new LandError(
      "unauthorized",
      `The login${since} at ${baseUrl} as ${oneLine(stored.npub)} is no longer accepted.`,
      { state: "It expired (tokens last 90 days), or was revoked there.", next },
    );
  }

  /** A session file that we can replace by ourselves may be malformed; else that is told. */
  async #stored(sessionFile: string): Promise<Session | undefined> {
    try {
      return await readSessionFor(sessionFile, this.#http.baseUrl);
    } catch (error) {
      if (this.#login.signer === undefined) throw error;
      return undefined;
    }
  }
}
