import type { Strictness } from "./match.ts";

export type Revision = "seed" | "head";
export type Who = "admin" | "writer" | "reader";
/** What becomes of the lane of a pushed branch. */
export type Fate = "success" | "failed" | "running" | "queued";

/** By the end of its lane, or by what became of the branch itself. */
export type SharedKind = "success" | "failed" | "running" | "merged" | "closed";

export interface Key {
  readonly nsec: string;
  readonly npub: string;
}

/** A request. Below the world's prefix unless it says `fromRoot`. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly fromRoot?: boolean;
  /** Whose token goes with it, or which header. */
  readonly as?: Who | { readonly token: string } | { readonly header: string };
  /** An object travels as JSON with its content type; a string as it is, with `type`. */
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
  readonly json: any;
}

/** A pushed branch, as the forge knows it. */
export interface Pushed {
  readonly name: string;
  readonly id: number;
  readonly head: string;
  readonly runId: number;
  readonly laneRunId: number;
  readonly laneId: string;
}

export interface PushedNightly {
  readonly id: number;
  readonly head: string;
  readonly laneRunId: number;
  readonly laneId: string;
}

/** A forge to ask, with the means to bring about what a case needs. */
export interface World {
  readonly name: "double" | "local";
  readonly revision: Revision;
  readonly prefix: "/news" | "/git";
  readonly origin: string;
  readonly slug: string;
  readonly target: string;
  readonly how: Strictness;
  readonly keys: Readonly<Record<Who, Key>>;
  /** Signs calls of the webhook. */
  readonly webhookSecret: string;
  token(who: Who): Promise<string>;
  ask(call: Call): Promise<Reply>;
  /** Pushes a branch of one file of its own and `files`, and brings its lane to its fate. */
  push(name: string, fate: Fate, files?: Readonly<Record<string, string>>): Promise<Pushed>;
  /** A branch for cases that only read it: the same one for all of them. */
  shared(kind: SharedKind): Promise<Pushed>;
  /** Lands something else on the target. */
  moveTarget(files: Readonly<Record<string, string>>): Promise<void>;
  /** Moves (null: deletes) a branch in the repository without a word to the forge. */
  moveBehind(name: string, files: Readonly<Record<string, string>> | null): Promise<void>;
  /** Deletes a branch by a push, and waits until the forge took note. */
  deleteBranch(name: string): Promise<void>;
  /** The branch's lane of the newest run comes to this end. */
  finish(pushed: Pushed, fate: "success" | "failed"): Promise<void>;
  tutorial(pushed: Pushed): Promise<void>;
  nightly(fate: Fate): Promise<PushedNightly>;
  /** The commit of a ref or expression of the canonical repository; its trimmed output. */
  git(...args: string[]): Promise<string>;
  /** Everybody's tokens are older than they may be. Only for a world of one's own. */
  expireTokens(): Promise<void>;
  close(): Promise<void>;
}
