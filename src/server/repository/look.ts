import type { RunPlan } from "../ci/ci.ts";
import { type Canonical, short, wordsOf } from "./canonical.ts";
import { mergeBaseOf, subjectsOf } from "./commits.ts";

/** What is known of a branch's new head before it is recorded. */
export interface Look {
  readonly title: string;
  readonly mergeBase: string | null;
  /** Null where the head has a problem. */
  readonly plan: RunPlan | null;
  readonly problem: string | null;
  /** Whether the problem stays until the target changes. */
  readonly lasting: boolean;
}

/** Looks at one head. Whatever goes wrong is this branch's problem alone, so it never throws. */
export async function lookAt(
  canonical: Canonical,
  head: string,
  target: string | undefined,
  subjects: ReadonlyMap<string, string> | undefined,
): Promise<Look> {
  let title = subjects?.get(head) ?? "";
  const withProblem = (
    problem: string,
    lasting: boolean,
    mergeBase: string | null = null,
  ): Look => {
    return { title, mergeBase, plan: null, problem, lasting };
  };
  let mergeBase: string | null = null;
  try {
    const known = subjects ?? (await subjectsOf(canonical.git, [head]));
    title = known.get(head) ?? "";
    if (!known.has(head)) {
      return withProblem(`The branch's head ${head} is missing here or is no commit.`, false);
    }
    if (target === undefined) return withProblem(noTargetWords(canonical.config.target), true);
    mergeBase = await mergeBaseOf(canonical.git, target, head);
    if (mergeBase === null) return withProblem(unrelatedWords(canonical.config.target), true);
    const plan = await canonical.ci.plan(head, mergeBase);
    return { title, mergeBase, plan, problem: null, lasting: false };
  } catch (error) {
    const words = `The head ${short(head)} could not be taken in: ${wordsOf(error)}`;
    return withProblem(words, false, mergeBase);
  }
}

export function unrelatedWords(target: string): string {
  return (
    `The branch shares no history with the target ${target}, so it cannot land. ` +
    `Rebase its commits onto ${target} and push again.`
  );
}

export function noTargetWords(target: string): string {
  return `The forge's target ${target} does not exist yet, so nothing can be tested or landed.`;
}
