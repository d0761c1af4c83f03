import { challengeAnswer, verifyAnswer } from "../contract/auth.ts";
import { type Prefix, paths } from "../contract/paths.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import { loginEvent } from "../identity/login-event.ts";
import { readSessionFor, type Session, writeSession } from "../identity/sessions.ts";
import type { Signer } from "../identity/signer.ts";
import type { Call, ForgeHttp, Token } from "./http.ts";
import { Shared } from "./with-signal.ts";

export interface LoginOptions {
  /** Without one, only a stored session can be used. */
  readonly signer?: Signer | undefined;
  /** Where the session is kept between processes; without one it lives here alone. */
  readonly sessionFile?: string | undefined;
}

/** Logs in by challenge and signature. Throws LandError; `unauthorized` where the key is refused. */
export async function logIn(http: ForgeHttp, prefix: Prefix, signer: Signer): Promise<Session> {
  const { challenge } = await http.call({
    method: "POST",
    path: `${prefix}${paths.challenge()}`,
    answer: challengeAnswer,
    repeatable: true,
  });
  // The address may have changed while the forge was brought back; what was asked counts.
  const base = http.baseUrl;
  const event = await signer.sign(loginEvent({ challenge, base, prefix, nowMs: http.clock.now() }));
  const verified = await http.call({
    method: "POST",
    path: `${prefix}${paths.verify()}`,
    body: { event: JSON.stringify(event) },
    answer: verifyAnswer,
  });
  return {
    base_url: base,
    token: verified.token,
    npub: verified.npub,
    is_admin: verified.is_admin,
    can_forge_write: verified.can_forge_write,
  };
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
    if (signer === undefined) {
      throw new LandError("unauthorized", `There is no login for ${this.#http.baseUrl}.`, {
        state:
          stored === undefined ? "No session is stored." : "The stored session was not accepted.",
        next: "Run `land login` with the key of that forge.",
      });
    }
    const session = await logIn(this.#http, await this.#prefix(), signer);
    if (sessionFile !== undefined) await writeSession(sessionFile, session);
    return session;
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
