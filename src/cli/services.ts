import type { Check } from "../doctor/check.ts";
import type { Offer } from "../manifest-offer/offer.ts";
import type { NamedForge } from "../operations/open-worktree.ts";
import type { AnyOperation, OperationContext } from "../operations/operation.ts";
import type { Worktree } from "../operations/worktree.ts";
import type { RoadmapFile } from "../roadmap/read.ts";
import type { SetupPlan, SurveyedClient } from "../setup/setup.ts";
import type { Client } from "../setup/shapes.ts";
import type { McpOptions, ServeOptions } from "./long-running.ts";

/** What the command line needs of the rest of the agent half; a composition root ties it together. */
export interface Services {
  readonly version: string;
  /** The catalogue: every operation that has a command becomes one. */
  readonly operations: readonly AnyOperation[];
  /** Opens the repository at a path (undefined: the current folder). */
  openWorktree(path: string | undefined, named?: NamedForge): Promise<Worktree>;
  readonly local: LocalForges;
  readonly logins: Logins;
  readonly setups: Setups;
  readonly hosting: Hosting;
  doctor(path: string | undefined, signal: AbortSignal): Promise<readonly Check[]>;
  /** The roadmap of the repository at a path. */
  readRoadmap(path: string | undefined, signal: AbortSignal): Promise<RoadmapFile>;
  /** Runs until it is told to stop; answers the exit code. */
  serve(options: ServeOptions): Promise<number>;
  mcp(options: McpOptions): Promise<number>;
}

export interface InitRequest {
  readonly path: string | undefined;
  readonly target: string | undefined;
  readonly name: string | undefined;
  /** A clone or state folder whose forge this repository joins; `true`: find it. */
  readonly join: string | true | undefined;
}

/** A forge that is ready for this repository. */
export interface ReadyForge {
  readonly worktree: string;
  readonly created: boolean;
  readonly repo: string;
  readonly remote: string;
  readonly target: string;
  /** The target's tip in the canonical repository. */
  readonly targetTip: string;
  readonly stateDir: string;
  readonly url: string;
  /** Things a person should know, such as a target ahead of origin's. */
  readonly notes: readonly string[];
  /** The owner's recorded choice about CI. */
  readonly ci: "manifest" | "none";
}

/** The local forge of a work tree's repository. Paths: any in the work tree. */
export interface LocalForges {
  /** Makes what is missing and starts the forge. Twice is the same as once. */
  init(request: InitRequest, signal: AbortSignal): Promise<ReadyForge>;
  /** What could be run as CI, as seen at the target's tip. */
  offer(ready: ReadyForge, signal: AbortSignal): Promise<Offer>;
  /** Puts a manifest on a branch of its own and pushes it to the forge. */
  writeManifest(ready: ReadyForge, text: string, signal: AbortSignal): Promise<OfferedBranch>;
  /** Records that the owner lands without CI. */
  landUntested(path: string | undefined): Promise<void>;
  /** Answers whether one was running. */
  stop(path: string | undefined, signal: AbortSignal): Promise<boolean>;
  readonly env: {
    /** Names alone; values are never shown. */
    list(path: string | undefined): Promise<readonly string[]>;
    set(path: string | undefined, name: string, value: string): Promise<void>;
    /** Answers whether it was set. */
    unset(path: string | undefined, name: string): Promise<boolean>;
  };
  /** With the owner's key. */
  readonly mirror: {
    status(path: string | undefined, signal: AbortSignal): Promise<MirrorFacts>;
    /** Pushes, and says how things stand then. */
    sync(path: string | undefined, signal: AbortSignal): Promise<MirrorFacts>;
    /** What is not named stays as it was. Undefined: no mirror any more. */
    set(path: string | undefined, wish: MirrorWish | undefined): Promise<void>;
  };
}

/** How the forge's mirror stands. */
export interface MirrorFacts {
  /** Undefined: there is none. */
  readonly remote: string | undefined;
  readonly state: string;
  /** Refs behind; undefined where that is not known. */
  readonly lagging: number | undefined;
  /** The first few of them. */
  readonly laggingRefs: readonly string[];
  readonly lastSuccessAt: string | undefined;
  /** In a row. */
  readonly failures: number;
  /** Why the last attempt failed. */
  readonly problem: { readonly kind: string; readonly words: string } | undefined;
  /** The last few attempts, newest first. */
  readonly history: readonly {
    readonly startedAt: string;
    readonly finishedAt: string;
    readonly trigger: string;
    readonly end: string;
    readonly lagging: number | undefined;
  }[];
}

export interface MirrorWish {
  readonly url: string;
  /** Seconds; 0: only when asked. */
  readonly interval?: number | undefined;
  readonly timeout?: number | undefined;
  readonly import?: boolean | undefined;
  /** At most one of both: where the token for HTTP is. */
  readonly tokenEnv?: string | undefined;
  readonly tokenFile?: string | undefined;
}

export interface OfferedBranch {
  readonly branch: string;
  readonly commit: string;
  readonly state: "written" | "kept";
}

export interface LoginFacts {
  readonly forge: string;
  readonly npub: string;
  readonly admin: boolean;
  readonly canLand: boolean;
  /** False where the key was taken out. */
  readonly canRead?: false | undefined;
  /** The name that the forge let the key in under. */
  readonly name?: string | undefined;
  /** The named agent that the work tree speaks as, or is to. */
  readonly as?: string | undefined;
  /** The owner must let the named agent in before it counts. */
  readonly approval?: "needed";
  /** What a person should know besides. */
  readonly notes: readonly string[];
}

/** A key that a command line named: as text or by its file, an nsec or the address of a signer. */
export type GivenKey = { readonly kind: "key" | "bunker" } & (
  | { readonly file: string }
  | { readonly text: string }
);

/** The forge that a login is about. */
export interface LoginPlace extends NamedForge {
  readonly path: string | undefined;
}

export interface LoginRequest extends LoginPlace {
  readonly key: GivenKey | undefined;
  /** An agent's name at the local forge. */
  readonly as: string | undefined;
  /** What becomes of the reference client's session file. */
  readonly share: "never" | "unless_other" | "replace";
}

/** Asks a person to agree by typing something. */
export type Consent = OperationContext["confirm"];

/** The person or program that logs in. */
export interface Person {
  /** Asked for only where the forge's key is not at hand. */
  secret(): Promise<string | undefined>;
  readonly confirm: Consent;
  say(line: string): void;
}

/** Logins to forges. Without an address: to the forge that the work tree belongs to. */
export interface Logins {
  login(request: LoginRequest, person: Person, signal: AbortSignal): Promise<LoginFacts>;
  /** Answers the forges whose session was removed. */
  logout(request: LoginPlace, signal: AbortSignal): Promise<readonly string[]>;
}

export interface SetupWish {
  readonly client: Client;
  readonly path: string | undefined;
  /** The shared files of the work tree; else the user's own. */
  readonly project: boolean;
  readonly undo: boolean;
  /** Take over what is there under our names and is not ours. */
  readonly replace: boolean;
}

/** How agents' clients are told of this kit. */
export interface Setups {
  /** Looks and plans; nothing is written before the plan is applied. */
  plan(wish: SetupWish, signal: AbortSignal): Promise<SetupPlan>;
  /** Every client that is known, and what is there of it. */
  survey(path: string | undefined, signal: AbortSignal): Promise<readonly SurveyedClient[]>;
}

/** What sshd asks for where a forge is on a server. Folders as the command line has them. */
export interface Hosting {
  /** A line per key that may push, and what was left out of the members' files. */
  authorizedKeys(folders: {
    readonly states: readonly string[];
    readonly members: string;
  }): Promise<{
    readonly lines: readonly string[];
    readonly skipped: readonly {
      readonly file: string;
      /** From 1; 0 = the file as a whole. */
      readonly line: number;
      readonly why: string;
    }[];
  }>;
  /** Serves git for one connection; answers the exit code. */
  gitShell(session: { readonly states: readonly string[]; readonly npub: string }): Promise<number>;
}
