import type { LandingOptions } from "./ends.ts";
import type { Facts, RecordFacts, RemoteFacts, Tally } from "./facts.ts";
import { nextStep } from "./planner.ts";
import { describeStep, type Step } from "./steps.ts";

const most = 50;

/** The steps that would follow if each of them went well, a line each. */
export function planFrom(facts: Facts, tally: Tally, options: LandingOptions): readonly string[] {
  const lines: string[] = [];
  let now = { facts, tally: { ...tally, timeLeftMs: Math.max(tally.timeLeftMs, 1) } };
  while (lines.length < most) {
    const step = nextStep(now.facts, now.tally, options);
    lines.push(describeStep(step, facts.branch ?? "", facts.target));
    if (step.do === "end") break;
    now = gone(now.facts, now.tally, step);
  }
  return lines;
}

const rebasedHead = "the rebased head";
const mergeCommit = "the merge";

/** The facts after a step that went well. */
function gone(facts: Facts, tally: Tally, step: Step): { facts: Facts; tally: Tally } {
  const underWay = { ...tally, underWay: true };
  switch (step.do) {
    case "rebase":
      return {
        facts: withRemote({ ...facts, head: rebasedHead }, (remote) => ({
          standing: "ahead",
          overwrite: remote.tip === undefined ? "creates" : "replaces_ours",
        })),
        tally: { ...underWay, head: rebasedHead, rebases: tally.rebases + 1 },
      };
    case "push":
      return {
        facts: withRemote(facts, () => ({ tip: step.head, overwrite: "nothing" })),
        tally: underWay,
      };
    case "wait":
      return { facts: afterWait(facts, step), tally: underWay };
    case "request_landing":
      return {
        facts: withRecord(facts, { state: "merged", mergeCommit }),
        tally: { ...underWay, requested: step.head },
      };
    case "verify":
      return {
        facts: withRemote(facts, () => ({ verified: { commit: step.commit, inTarget: true } })),
        tally: { ...underWay, verifications: tally.verifications + 1 },
      };
    default:
      return { facts, tally };
  }
}

function afterWait(facts: Facts, step: Extract<Step, { do: "wait" }>): Facts {
  switch (step.on) {
    case "forge_head": {
      const known = facts.record;
      const record: RecordFacts = {
        id: known?.id ?? "",
        state: "open",
        head: step.head,
        mergeCommit: undefined,
        problem: undefined,
        verdict: known?.head === step.head ? known.verdict : "none",
        note: undefined,
      };
      return { ...facts, record };
    }
    case "ci":
      return withRecord(facts, { verdict: "green" });
    case "queue":
      return withRecord(facts, { state: "merged", mergeCommit });
  }
}

function withRemote(facts: Facts, change: (remote: RemoteFacts) => Partial<RemoteFacts>): Facts {
  const { remote } = facts;
  return remote === undefined ? facts : { ...facts, remote: { ...remote, ...change(remote) } };
}

function withRecord(facts: Facts, change: Partial<RecordFacts>): Facts {
  const { record } = facts;
  return record === undefined ? facts : { ...facts, record: { ...record, ...change } };
}
