import { LandError } from "../domain/errors.ts";
import { type Place, shownName } from "./subject.ts";

/** The forge's target. Throws `wrong_target` where another was asked for: a forge has one. */
export async function targetOf(
  place: Place,
  asked: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { target } = await place.forge.capabilities(signal);
  const short = asked?.replace(/^refs\/heads\//, "");
  if (short === undefined || short === target) return target;
  throw new LandError(
    "wrong_target",
    `This forge lands on ${target} alone, not on ${shownName(short)}.`,
    { state: "Nothing was done.", next: `Leave \`target\` out, or give ${target}.` },
  );
}

/** Throws `on_target` where the branch is the target itself, which is never pushed or rebased. */
export function refuseTarget(branch: string | undefined, target: string): void {
  if (branch !== target) return;
  throw new LandError("on_target", `${target} is the target itself; it only moves by landing.`, {
    state: "Nothing was done.",
    next: "Make a branch for your commits (`git switch -c NAME`), then land that.",
  });
}
