import type { Obstacle } from "../git/obstacles.ts";
import type { RemoteFacts } from "./facts.ts";
import { short } from "./steps.ts";

/** The refusals that landing and pushing share, each worded once. */

export function targetMissing(target: string): Obstacle {
  return {
    code: "not_found",
    why: `The remote has no branch ${target}.`,
    next: "See that the remote is the forge's repository and has commits on its target.",
  };
}

/** The target only ever moves by landing. */
export function onTarget(target: string): Obstacle {
  return {
    code: "on_target",
    why: `${target} is the branch that is landed on; it is never pushed to.`,
    next: "Put your commits on a branch of their own (`git switch -c NAME`) and use that.",
  };
}

/** What keeps a head from being pushed to what the remote has, if anything does. */
export function pushRefusal(
  branch: string,
  target: string,
  remote: Pick<RemoteFacts, "standing" | "overwrite" | "tip">,
): Obstacle | undefined {
  if (remote.standing === "unrelated") {
    return {
      code: "unrelated_histories",
      why: `${branch} and ${target} have no common commit here.`,
      next: "Make the branch anew from the target and take your commits over; in a shallow clone, `git fetch --unshallow` first.",
    };
  }
  if (remote.overwrite === "drops_foreign") {
    return {
      code: "remote_moved",
      why: `${branch} on the forge (${short(remote.tip ?? "")}) has commits that were never on your branch; a push would drop them.`,
      next: "Take them in (`git merge` or `git rebase` on the fetched branch), or use another branch name; then ask again.",
    };
  }
  return undefined;
}
