import type { Verdict } from "../../src/domain/checks.ts";
import type { BranchState } from "../../src/domain/status.ts";
import type { LandingOptions } from "../../src/landing/ends.ts";
import { type Facts, freshTally, type Tally } from "../../src/landing/facts.ts";
import { nextStep } from "../../src/landing/planner.ts";
import type { Ending, Step } from "../../src/landing/steps.ts";

/** Something that happens to the world between two steps of a landing. */
export const happenings = [
  "target_moves",
  "ci_green",
  "ci_fails",
  "ci_superseded",
  "somebody_pushes",
  "somebody_deletes",
  "somebody_lands",
  "somebody_commits_here",
  "somebody_edits_here",
  "forge_looks",
  "time_passes",
] as const;
export type Happening = (typeof happenings)[number];

interface Commit {
  readonly base: number;
  readonly mine: boolean;
}

/**
 * A world of plain values that a landing runs against: commits know the target tip that they
 * contain, the forge is as strict as its contract, and others interfere between the steps.
 */
export class LandingWorld {
  readonly #commits = new Map<string, Commit>();
  readonly #merged = new Map<string, { readonly commit: string; readonly at: number }>();
  #made = 0;
  #target = 0;
  #local: string;
  #tip: string | undefined;
  #dirty = false;
  #record:
    | { id: string; state: BranchState; head: string; mergeCommit: string | undefined }
    | undefined;
  #verdicts = new Map<string, Verdict>();
  #remote: { targetTip: number; tip: string | undefined; verified: string | undefined } | undefined;
  #tally: Omit<Tally, "timeLeftMs"> = freshTally;
  #timeLeft: number;
  readonly violations: string[] = [];
  steps = 0;

  constructor(timeLeft: number) {
    this.#timeLeft = timeLeft;
    this.#local = this.#commit(0, true);
  }

  /** Runs a landing to its end, with one happening between each two steps. */
  run(plan: readonly Happening[], options: LandingOptions, most: number): Ending | undefined {
    for (this.steps = 1; this.steps <= most; this.steps += 1) {
      this.#tally = { ...this.#tally, head: this.#tally.head ?? this.#local };
      if (this.#record?.state === "open") {
        this.#tally = { ...this.#tally, openRecord: this.#record.id };
      }
      const step = nextStep(this.#facts(), { ...this.#tally, timeLeftMs: this.#timeLeft }, options);
      if (step.do === "end") return step.ending;
      const happening = plan[(this.steps - 1) % Math.max(1, plan.length)];
      if (happening !== undefined) this.#happen(happening);
      this.#carryOut(step);
    }
    return undefined;
  }

  #facts(): Facts {
    const remote = this.#remote;
    const record = this.#record;
    const base = this.#of(this.#local).base;
    return {
      branch: "x",
      target: "main",
      rule: "up_to_date",
      checkedOut: true,
      head: this.#local,
      obstacle: this.#dirty
        ? { code: "uncommitted_changes", why: "Unsaved.", next: "Commit it." }
        : undefined,
      conflict: undefined,
      remote:
        remote === undefined
          ? undefined
          : {
              targetTip: `t${remote.targetTip}`,
              tip: remote.tip,
              standing: this.#landedBy(this.#local, remote.targetTip)
                ? "contained"
                : base >= remote.targetTip
                  ? "ahead"
                  : "behind",
              overwrite: this.#overwrite(remote.tip),
              verified:
                remote.verified === undefined
                  ? undefined
                  : {
                      commit: remote.verified,
                      inTarget: [...this.#merged.values()].some(
                        (merge) => merge.commit === remote.verified && merge.at <= remote.targetTip,
                      ),
                    },
            },
      record:
        record === undefined
          ? undefined
          : {
              ...record,
              problem: undefined,
              verdict: this.#verdicts.get(this.#local) ?? "none",
              note: undefined,
            },
    };
  }

  #overwrite(tip: string | undefined) {
    if (tip === undefined) return "creates";
    if (tip === this.#local) return "nothing";
    return this.#of(tip).mine ? "replaces_ours" : "drops_foreign";
  }

  #carryOut(step: Exclude<Step, { do: "end" }>): void {
    if (step.do !== "fetch") this.#tally = { ...this.#tally, underWay: true };
    if (["rebase", "push", "request_landing", "verify"].includes(step.do)) {
      this.#tally = { ...this.#tally, acts: this.#tally.acts + 1 };
    }
    switch (step.do) {
      case "fetch":
        this.#look(undefined);
        break;
      case "rebase":
        this.#local = this.#commit(Number(step.onto.slice(1)), true);
        this.#tally = {
          ...this.#tally,
          head: this.#local,
          rebases: this.#tally.rebases + 1,
        };
        break;
      case "push":
        this.#push(step.head, step.lease);
        break;
      case "wait":
        this.#timeLeft -= 1;
        this.#ingest();
        this.#remote = undefined;
        break;
      case "request_landing":
        this.#request(step.id, step.head);
        break;
      case "verify":
        this.#tally = { ...this.#tally, verifications: this.#tally.verifications + 1 };
        this.#look(step.commit);
        break;
    }
  }

  #look(verified: string | undefined): void {
    this.#remote = { targetTip: this.#target, tip: this.#tip, verified };
  }

  #push(head: string, lease: string | undefined): void {
    this.#remote = undefined;
    if (this.#tip !== lease) return;
    const lost = this.#tip;
    if (lost !== undefined && !this.#of(lost).mine) this.violations.push("dropped foreign work");
    this.#tip = head;
  }

  #request(id: string, head: string): void {
    this.#tally = { ...this.#tally, requested: head };
    if (this.#verdicts.get(head) !== "green")
      this.violations.push("asked to land what is not green");
    const refusal = this.#refusalOf(id, head);
    if (refusal === undefined) {
      this.#merge();
      return;
    }
    const before = this.#tally.refusal;
    const targetTip = this.#remote === undefined ? undefined : `t${this.#remote.targetTip}`;
    const again =
      before?.head === head && before.code === refusal && before.targetTip === targetTip;
    const times = again ? before.times + 1 : 1;
    const told = { code: refusal, why: "no", next: undefined, head, targetTip, times };
    this.#tally = { ...this.#tally, refusal: told };
    this.#remote = undefined;
  }

  #refusalOf(id: string, head: string): string | undefined {
    this.#ingest();
    const record = this.#record;
    if (record?.id !== id || record.state !== "open") return "branch_not_open";
    if (record.head !== head) return "head_moved";
    if (this.#verdicts.get(head) !== "green") return "ci_not_green";
    return this.#of(head).base < this.#target ? "target_moved" : undefined;
  }

  #merge(): void {
    const record = this.#record;
    if (record === undefined) return;
    this.#target += 1;
    const mergeCommit = `m${this.#target}`;
    this.#merged.set(record.head, { commit: mergeCommit, at: this.#target });
    this.#record = { ...record, state: "merged", mergeCommit };
    this.#tip = undefined;
  }

  #landedBy(head: string, target: number): boolean {
    const merge = this.#merged.get(head);
    return merge !== undefined && merge.at <= target;
  }

  #ingest(): void {
    const record = this.#record;
    if (this.#tip === undefined) {
      if (record?.state === "open") this.#record = { ...record, state: "closed" };
      return;
    }
    if (record?.state === "open") {
      if (record.head !== this.#tip) this.#record = { ...record, head: this.#tip };
    } else {
      this.#made += 1;
      this.#record = {
        id: `r${this.#made}`,
        state: "open",
        head: this.#tip,
        mergeCommit: undefined,
      };
    }
    if (!this.#verdicts.has(this.#tip)) this.#verdicts.set(this.#tip, "pending");
  }

  #happen(happening: Happening): void {
    const tip = this.#tip;
    switch (happening) {
      case "target_moves":
        this.#target += 1;
        return;
      case "ci_green":
      case "ci_fails":
      case "ci_superseded":
        if (tip !== undefined && this.#verdicts.get(tip) === "pending") {
          this.#verdicts.set(tip, verdictOf[happening]);
        }
        return;
      case "somebody_pushes":
        this.#tip = this.#commit(this.#target, false);
        return;
      case "somebody_deletes":
        this.#tip = undefined;
        this.#ingest();
        return;
      case "somebody_lands":
        this.#ingest();
        if (this.#record?.state === "open" && this.#verdicts.get(this.#record.head) === "green") {
          this.#merge();
        }
        return;
      case "somebody_commits_here":
        this.#local = this.#commit(this.#of(this.#local).base, true);
        return;
      case "somebody_edits_here":
        this.#dirty = true;
        return;
      case "forge_looks":
        this.#ingest();
        return;
      case "time_passes":
        this.#timeLeft -= 5;
        return;
    }
  }

  #commit(base: number, mine: boolean): string {
    this.#made += 1;
    const name = `c${this.#made}`;
    this.#commits.set(name, { base, mine });
    return name;
  }

  #of(name: string): Commit {
    const found = this.#commits.get(name);
    if (found === undefined) throw new Error(`no commit ${name}`);
    return found;
  }

  /** Whether a head is in the target. */
  landed(head: string): boolean {
    return this.#merged.has(head);
  }

  get head(): string {
    return this.#local;
  }
}

const verdictOf = {
  ci_green: "green",
  ci_fails: "failed",
  ci_superseded: "superseded",
} as const satisfies Partial<Record<Happening, Verdict>>;
