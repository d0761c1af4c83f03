import { type Check, keys, words } from "./match.ts";
import type { Call, Reply, Revision, World } from "./world.ts";

export interface Expectation {
  readonly status: number;
  readonly json?: Check;
  /** The whole body, or what it must match. */
  readonly text?: string | RegExp;
  /** By lower-case name; null: must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
}

/** One row of the contract: what is brought about, asked, and must be answered. */
// biome-ignore lint/suspicious/noExplicitAny: each case has facts of its own.
export interface Case<Facts = any> {
  /** Of the contract document. */
  readonly section: string;
  readonly name: string;
  /** Default: both. */
  readonly on?: readonly Revision[];
  /** In a world of its own, as it changes what others rely on. */
  readonly alone?: boolean;
  readonly arrange?: (world: World, unique: string) => Promise<Facts>;
  readonly call: (facts: Facts, world: World) => Call | Promise<Call>;
  readonly expect: Expectation | ((facts: Facts, world: World) => Expectation);
  /** What must hold afterwards. */
  readonly after?: (facts: Facts, world: World, reply: Reply) => Promise<void>;
  /** Where the local forge answers otherwise on purpose: the row that says so, and its answer. */
  readonly differs?: {
    readonly row: string;
    readonly expect: Expectation | ((facts: Facts, world: World) => Expectation);
    readonly after?: (facts: Facts, world: World, reply: Reply) => Promise<void>;
  };
}

/** Keeps the type of a case's facts between its parts. */
export const row = <Facts>(given: Case<Facts>): Case => given;

const json = /^application\/json/;
const plain = /^text\/plain/;

/** A JSON answer. */
export const answers = (check: Check, status = 200): Expectation => ({
  status,
  json: check,
  headers: { "content-type": json },
});

/** The forge's own error: `{"error"}`. */
export const refuses = (status: number, wanted: string | RegExp): Expectation => ({
  status,
  json: keys({ error: words(wanted) }),
  headers: { "content-type": json },
});

/** An error of the framework, or of a page: plain text. */
export const plainly = (status: number, text: string | RegExp): Expectation => ({
  status,
  text,
  headers: { "content-type": plain },
});

/** An answer without any body. */
export const empty = (status: number, headers: Expectation["headers"] = {}): Expectation => ({
  status,
  text: "",
  headers,
});
