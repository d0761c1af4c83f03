import type { z } from "zod";
import { type DetailAnswer, detailAnswer } from "../contract/branch.ts";
import { type Prefix, paths } from "../contract/paths.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import { ForgeHttp, type HttpOptions } from "./http.ts";
import { detectFlavour, type Flavour } from "./prefix.ts";
import { ForgeSession, type LoginOptions } from "./session.ts";
import { Shared } from "./with-signal.ts";

export interface PikaOptions extends LoginOptions, HttpOptions {
  /** `local`, or the host. */
  readonly name: string;
  /** The target, for a forge that does not say which it has. */
  readonly target?: string | undefined;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** A forge of the pika contract as its connector's parts share it: which it is, where, as whom. */
export class PikaWire {
  readonly http: ForgeHttp;
  readonly session: ForgeSession;
  readonly #flavour: Shared<Flavour>;

  constructor(options: PikaOptions) {
    this.http = new ForgeHttp(options);
    this.#flavour = new Shared(() => detectFlavour(this.http));
    this.session = new ForgeSession(
      this.http,
      async () => (await this.#flavour.get()).prefix,
      options,
    );
  }

  /** Which forge it is; asked once. */
  flavour(signal?: AbortSignal): Promise<Flavour> {
    return this.#flavour.get(signal);
  }

  /** The prefix of its pages; until it was asked, the one that a local forge has. */
  get pagePrefix(): string {
    return this.#flavour.latest?.prefix ?? "/git";
  }

  async get<T>(
    path: string,
    answer: z.ZodType<T>,
    signal: AbortSignal | undefined,
    query: Query = {},
  ): Promise<T> {
    return this.#below(
      (prefix) => this.session.call({ method: "GET", path: prefix + path, answer, query }, signal),
      signal,
    );
  }

  async post<T>(
    path: string,
    answer: z.ZodType<T>,
    how: { body?: unknown; repeatable?: boolean; deadlineMs?: number },
    signal: AbortSignal | undefined,
  ): Promise<T> {
    return this.#below(
      (prefix) =>
        this.session.call({ method: "POST", path: prefix + path, answer, ...how }, signal),
      signal,
    );
  }

  /** Calls below the forge's prefix, and once more where the forge turns out to have another by now. */
  async #below<T>(
    call: (prefix: Prefix) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const before = await this.flavour(signal);
    try {
      return await call(before.prefix);
    } catch (error) {
      if (!isLandError(error, "forge_error") || error.facts.status !== 404) throw error;
      this.#flavour.forget();
      const { prefix } = await this.flavour(signal);
      if (prefix === before.prefix) throw error;
      return call(prefix);
    }
  }

  /** A branch and its runs as the wire has them, without logs; undefined where it is not known. */
  async detail(id: string, signal?: AbortSignal): Promise<DetailAnswer | undefined> {
    if (!isId(id)) return undefined;
    return whereKnown(this.get(paths.branch(id), detailAnswer, signal, { logs: "none" }));
  }

  /** Refuses what only forges with the added endpoints can do. */
  async needsAdded(what: string, signal: AbortSignal | undefined): Promise<void> {
    if ((await this.flavour(signal)).about !== undefined) return;
    throw new LandError("unsupported", `The forge at ${this.http.baseUrl} does not ${what}.`, {
      state: "Nothing was changed.",
      next: "Ask for one branch by name or number instead, or open the forge's page.",
    });
  }
}

/** Whether a text can be the number of anything on a forge. */
export function isId(text: string): boolean {
  return /^\d{1,16}$/.test(text);
}

/** Undefined for what the forge does not know. */
export async function whereKnown<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isLandError(error, "not_found")) return undefined;
    throw error;
  }
}

/** The error for a branch that is not there. */
export function unknownBranch(id: string): LandError {
  return new LandError("not_found", `The forge knows no branch #${id}.`, {
    state: "Nothing was changed.",
    next: "Check the number; `land status` shows the branch of this work tree.",
  });
}
