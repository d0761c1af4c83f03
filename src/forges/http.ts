import type { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { backoffMs, type Clock, systemClock } from "./clock.ts";
import { type Exchange, exchange, NoAnswer } from "./exchange.ts";
import {
  type Asked,
  errorOfAnswer,
  errorOfShape,
  errorOfSilence,
  isDraining,
  isPassing,
} from "./wire-errors.ts";

/** A login's token and the one address that it may be sent to. */
export interface Token {
  readonly value: string;
  readonly baseUrl: string;
}

/** One call of the contract, as data. */
export interface Call<T> {
  readonly method: "GET" | "POST";
  /** With the prefix, without the base. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly answer: z.ZodType<T>;
  readonly token?: Token | undefined;
  /** Whether doing it twice is the same as once. A GET always is. */
  readonly repeatable?: boolean;
  readonly deadlineMs?: number;
  readonly maxBytes?: number;
}

/** The forge at one address, over HTTP. */
export interface HttpOptions {
  /** Its address; a function where it may change. */
  readonly baseUrl: string | (() => string);
  /** Brings a forge back that does not answer, where that is ours to do; also at a new address. */
  readonly revive?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly clock?: Clock | undefined;
  /** How long a call that may be repeated is repeated. Default: 10 s. */
  readonly patienceMs?: number | undefined;
}

const readDeadlineMs = 30_000;
const maxAnswerBytes = 64 * 1024 * 1024;
const usualPatienceMs = 10_000;

export class ForgeHttp {
  readonly #baseUrl: HttpOptions["baseUrl"];
  readonly #revive: HttpOptions["revive"];
  readonly #patienceMs: number;
  readonly clock: Clock;

  constructor(options: HttpOptions) {
    this.#patienceMs = options.patienceMs ?? usualPatienceMs;
    this.#baseUrl = options.baseUrl;
    this.#revive = options.revive;
    this.clock = options.clock ?? systemClock;
  }

  /** Where the forge is now. */
  get baseUrl(): string {
    return typeof this.#baseUrl === "string" ? this.#baseUrl : this.#baseUrl();
  }

  /** Makes a call and reads its answer. Throws LandError. */
  async call<T>(call: Call<T>, signal?: AbortSignal): Promise<T> {
    const answer = await this.#answerTo(call, signal);
    const asked = this.#asked(call);
    if (answer.status < 200 || answer.status > 299) throw errorOfAnswer(asked, answer);
    let json: unknown;
    try {
      json = JSON.parse(answer.text);
    } catch {
      throw errorOfShape(asked, "no JSON");
    }
    const read = call.answer.safeParse(json);
    if (read.success) return read.data;
    const issue = read.error.issues[0];
    throw errorOfShape(asked, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }

  /** Makes sure that the forge answers; a local one is started. Says whether anything was done. */
  async revive(signal?: AbortSignal): Promise<boolean> {
    if (this.#revive === undefined) return false;
    await this.#revive(signal);
    return true;
  }

  #asked(call: Call<unknown>): Asked {
    return { forge: this.baseUrl, method: call.method, path: call.path, token: call.token?.value };
  }

  /** The answer, after as many tries as the call's nature and the time allow. */
  async #answerTo(call: Call<unknown>, signal: AbortSignal | undefined): Promise<Exchange> {
    const repeatable = call.repeatable ?? call.method === "GET";
    const until = this.clock.now() + this.#patienceMs;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#tryOnce(call, signal);
      if (!(outcome instanceof NoAnswer) && !isTrouble(outcome)) return outcome;
      const mayRepeat = repeatable || neverDone(outcome);
      if (!mayRepeat || this.clock.now() >= until || endsTrying(outcome)) {
        return this.#giveUp(call, outcome, repeatable);
      }
      // A forge of our own is started again; if that fails, its reasons are better than ours.
      if (!(await this.#revivedFor(outcome, attempt, signal))) {
        await this.clock.pause(backoffMs(attempt, 100, 2000, this.clock.random()), signal);
      }
    }
  }

  async #revivedFor(
    outcome: Exchange | NoAnswer,
    attempt: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const gone = outcome instanceof NoAnswer ? outcome.reason !== "timed_out" : isDraining(outcome);
    // After the first revival that did not help, waiting is kinder than starting over and over.
    return gone && (await this.revive(signal)) && attempt === 1;
  }

  #giveUp(call: Call<unknown>, outcome: Exchange | NoAnswer, repeatable: boolean): Exchange {
    if (!(outcome instanceof NoAnswer)) return outcome;
    throw errorOfSilence(this.#asked(call), outcome, !repeatable);
  }

  async #tryOnce(
    call: Call<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<Exchange | NoAnswer> {
    const base = this.baseUrl;
    try {
      return await exchange(
        {
          url: urlOf(base, call.path, call.query),
          method: call.method,
          headers: headersOf(base, call.token, call.body !== undefined),
          body: call.body === undefined ? undefined : JSON.stringify(call.body),
          deadlineMs: call.deadlineMs ?? readDeadlineMs,
          maxBytes: call.maxBytes ?? maxAnswerBytes,
        },
        signal,
      );
    } catch (error) {
      if (error instanceof NoAnswer) return error;
      throw new LandError("internal", `No request can be made to ${base}${call.path}.`, {
        state: "Nothing was sent.",
        next: "Check the forge's address; `land doctor` looks at it.",
        cause: error,
      });
    }
  }
}

/** The whole address of a call. The base may have a path of its own. */
export function urlOf(
  baseUrl: string,
  path: string,
  query: Call<unknown>["query"] = undefined,
): string {
  const url = new URL(`${baseUrl}${path}`);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

/**
 * The headers of a call. A token goes to no other address than its own: redirects are not followed,
 * and where the forge has moved since, the token is left out, so that a new login is made.
 */
export function headersOf(
  baseUrl: string,
  token: Token | undefined,
  hasBody: boolean,
): Record<string, string> {
  return {
    accept: "application/json",
    ...(hasBody ? { "content-type": "application/json" } : {}),
    ...(token?.baseUrl === baseUrl ? { authorization: `Bearer ${token.value}` } : {}),
  };
}

function isTrouble(answer: Exchange): boolean {
  return isPassing(answer.status) || isDraining(answer);
}

/** Whether the forge surely did not act. */
function neverDone(outcome: Exchange | NoAnswer): boolean {
  return outcome instanceof NoAnswer ? outcome.reason === "unreachable" : isDraining(outcome);
}

function endsTrying(outcome: Exchange | NoAnswer): boolean {
  return (
    outcome instanceof NoAnswer && (outcome.reason === "cancelled" || outcome.reason === "too_big")
  );
}
