import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isLandError, LandError } from "../../domain/errors.ts";
import type { LaneRecord } from "../store/records.ts";
import { removeTree } from "./remove-tree.ts";
import { writeInPlace } from "./settle-folder.ts";
import {
  cleanSlot,
  discardSlot,
  fillSlot,
  goneSuffix,
  makeSlot,
  type SlotPlaces,
  type SlotSource,
  slotPlaces,
} from "./slot.ts";

/** A claim of a lane, as a workspace is marked with it. */
export type Claim = Pick<LaneRecord, "id" | "claimToken" | "head">;

/** A lane's workspace, while it has it. */
export interface Workspace {
  readonly tree: string;
  /** Its own folders for temporary files: what it sees as /tmp, and as /var/tmp. */
  readonly tmp: string;
  readonly varTmp: string;
  /** Cleans it and gives it back. Never throws. */
  release(): Promise<void>;
}

export interface WorkspacesOptions extends SlotSource {
  readonly dir: string;
  /** Whether that claim is a running lane's in the store, after a crash also. */
  readonly isRunning: (claim: { readonly id: number; readonly claimToken: number }) => boolean;
  /** How many workspaces there may be, but for those whose cleaning takes too long. */
  readonly most: () => number;
  /** How long a lane waits for others' to be cleaned before it gets one more. Milliseconds. */
  readonly patienceMs?: number;
}

/** Cleaning a workspace is mostly quicker than filling a new one, but not always. */
const cleaningPatienceMs = 250;
/** What cleaning a workspace takes where nothing hangs. */
const usualPatienceMs = 15_000;

/** The pool of workspaces. Each serves one lane at a time and is kept for the next. */
export class Workspaces {
  readonly #options: WorkspacesOptions;
  /** Slots that somebody has or that are being cleaned, by name. */
  readonly #busy = new Set<string>();
  /** Slots known to hold nothing that a lane left. */
  readonly #clean = new Set<string>();
  /** How many of the busy ones are about to be free. */
  #cleaning = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #places = new Map<string, SlotPlaces>();

  constructor(options: WorkspacesOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
  }

  /** A workspace with `claim.head` checked out. Throws in git's words where that cannot be had. */
  async take(claim: Claim, signal: AbortSignal): Promise<Workspace> {
    const name = await this.#choose(claim, signal);
    const slot = this.#placesOf(name);
    try {
      await this.#prepare(name, slot, claim, signal);
    } catch (error) {
      // A checkout that was called off is mended by the next one; what failed twice is not.
      await this.#release(name, slot, isLandError(error, "cancelled"));
      throw error;
    }
    return {
      tree: slot.tree,
      tmp: slot.tmp,
      varTmp: slot.varTmp,
      release: () => this.#release(name, slot, true),
    };
  }

  /**
   * Removes what a crash left half removed, and cleans what its lanes had, which nobody may take
   * meanwhile. Never throws.
   */
  async sweep(): Promise<void> {
    const left = this.#slotNames().filter((name) => !this.#busy.has(name) && this.#isStale(name));
    for (const name of left) this.#busy.add(name);
    await Promise.all([
      ...left.map((name) => this.#release(name, this.#placesOf(name), true)),
      ...this.#names()
        .filter((name) => name.includes(goneSuffix))
        .map((name) => removeTree(join(this.#options.dir, name)).catch(() => undefined)),
    ]);
  }

  /** Whether a slot is marked by a claim that nobody runs any more. */
  #isStale(name: string): boolean {
    const mark = readMark(this.#placesOf(name).mark);
    return mark !== undefined && !this.#options.isRunning(mark);
  }

  async #prepare(name: string, slot: SlotPlaces, claim: Claim, signal: AbortSignal): Promise<void> {
    try {
      if (!this.#clean.delete(name)) await cleanSlot(slot, this.#options);
      await fillSlot(slot, this.#options, claim.head, signal);
    } catch (error) {
      if (isLandError(error, "cancelled")) throw error;
      // New, damaged by a lane, or left half done by a crash: made anew, once.
      await makeSlot(slot, this.#options, claim.head);
      await fillSlot(slot, this.#options, claim.head, signal);
    }
  }

  async #release(name: string, slot: SlotPlaces, reusable: boolean): Promise<void> {
    this.#cleaning++;
    try {
      if (!reusable || this.#slotNames().length > this.#options.most()) {
        await discardSlot(slot);
      } else {
        await cleanSlot(slot, this.#options);
        this.#clean.add(name);
      }
    } catch {
      await discardSlot(slot).catch(() => undefined);
    }
    unmark(slot.mark);
    this.#cleaning--;
    this.#busy.delete(name);
    for (const lookAgain of this.#waiting.splice(0)) lookAgain();
  }

  async #choose(claim: Claim, signal: AbortSignal): Promise<string> {
    const giveUpAt = performance.now() + (this.#options.patienceMs ?? usualPatienceMs);
    for (let patient = true; ; patient = false) {
      if (signal.aborted) throw new LandError("cancelled", "The lane was called off.");
      const isFree = (name: string) => !this.#busy.has(name) && !this.#isHeld(name, claim);
      const clean = [...this.#clean].find(isFree);
      if (clean !== undefined) return this.#mark(clean, claim);
      const names = this.#slotNames();
      const name = names.find(isFree);
      if (name !== undefined) return this.#mark(name, claim);
      if (patient && this.#cleaning > 0) {
        await this.#nextRelease(cleaningPatienceMs, signal);
        continue;
      }
      // Where nobody of this process has one, nobody would ever give one back.
      const mayMake = names.length < this.#options.most() || this.#busy.size === 0;
      const left = giveUpAt - performance.now();
      if (mayMake || left <= 0) return this.#mark(firstUnused(names, this.#busy), claim);
      await this.#nextRelease(left, signal);
    }
  }

  /** Resolves when a workspace was given back, when the signal comes, or after `atMostMs`. */
  async #nextRelease(atMostMs: number, signal: AbortSignal): Promise<void> {
    const released = Promise.withResolvers<void>();
    const over = () => released.resolve();
    this.#waiting.push(over);
    signal.addEventListener("abort", over, { once: true });
    const timer = setTimeout(over, atMostMs);
    await released.promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", over);
  }

  #mark(name: string, claim: Claim): string {
    this.#busy.add(name);
    const slot = this.#placesOf(name);
    mkdirSync(slot.dir, { recursive: true });
    writeMark(slot.mark, `${claim.id} ${claim.claimToken}\n`);
    return name;
  }

  /** Whether another lane's running claim has the slot, as its mark and the store say. */
  #isHeld(name: string, claim: Claim): boolean {
    const mark = readMark(this.#placesOf(name).mark);
    if (mark === undefined) return false;
    if (mark.id === claim.id && mark.claimToken === claim.claimToken) return false;
    return this.#options.isRunning(mark);
  }

  #placesOf(name: string): SlotPlaces {
    const known = this.#places.get(name) ?? slotPlaces(join(this.#options.dir, name));
    this.#places.set(name, known);
    return known;
  }

  #slotNames(): string[] {
    return this.#names()
      .filter(isSlotName)
      .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  }

  #names(): string[] {
    try {
      return readdirSync(this.#options.dir);
    } catch {
      return [];
    }
  }
}

function isSlotName(name: string): boolean {
  return /^w[1-9][0-9]*$/.test(name);
}

function firstUnused(names: readonly string[], busy: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const name = `w${number}`;
    if (!names.includes(name) && !busy.has(name)) return name;
  }
}

function writeMark(file: string, text: string): void {
  try {
    writeInPlace(file, text);
  } catch {
    writeFileSync(file, text);
  }
}

/** The file stays for the next mark, with a dash in it. */
function unmark(file: string): void {
  try {
    writeInPlace(file, "-\n");
  } catch {
    // A mark without a running claim keeps nobody away.
  }
}

function readMark(file: string): { id: number; claimToken: number } | undefined {
  try {
    const [id, claimToken] = readFileSync(file, "utf8").trim().split(" ").map(Number);
    return id === undefined || claimToken === undefined ? undefined : { id, claimToken };
  } catch {
    return undefined;
  }
}
