import { LandError } from "../domain/errors.ts";

/** A file that cannot be set up as it is. `next`: what the person does about it. */
export function problemWith(file: string, what: string, next: string, cause?: unknown): LandError {
  return new LandError("unsupported", `${file}: ${what}`, {
    state: "Nothing was changed.",
    next,
    facts: { file },
    cause,
  });
}

/** Several problems as one; each keeps its own words. */
export function allOf(problems: readonly LandError[]): LandError | undefined {
  const [first] = problems;
  if (first === undefined || problems.length === 1) return first;
  const told = problems.map((one) => `- ${one.message} ${one.next ?? ""}`.trimEnd());
  return new LandError(
    "unsupported",
    `${problems.length} files stand in the way:\n${told.join("\n")}`,
    {
      state: "Nothing was changed.",
      next: "Solve each as it says, then run the same command again.",
      facts: { files: problems.flatMap((one) => one.facts.file ?? []) },
    },
  );
}
