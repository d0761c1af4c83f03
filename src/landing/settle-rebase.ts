import type { RebaseAnswer, WorkingState } from "../git/working-copy.ts";
import { count, type LandingCall, note } from "./call.ts";

/** Before it is looked again whether another process is done with its rebase. */
const lookAgainMs = 200;

/**
 * Looks at the work tree once nothing of this kit is half done in it: a rebase that another process
 * carries out is waited for, and one that was cut off between two commits is taken back.
 */
export async function settledState(call: LandingCall): Promise<WorkingState> {
  const { copy, signal, progress } = call.deps;
  for (;;) {
    const state = await copy.state(signal);
    const phase = call.options.dryRun ? undefined : state.operation?.phase;
    if (phase === "under_way" && call.clock.now() < call.endsAt) {
      progress("another rebase is under way in this work tree; waiting for its end");
      await call.wakes.next(signal, lookAgainMs);
    } else if (phase === "cut_off" && state.trackedCount === 0) {
      await copy.abortRebase(signal);
      note(call, "took back a rebase that was cut off");
    } else return state;
  }
}

/** Another landing of the same branch may have rebased it here; what is landed is the same then. */
export async function followRebase(
  call: LandingCall,
  branch: string,
  head: string | undefined,
): Promise<void> {
  const pinned = call.tally.head;
  if (pinned === undefined || head === undefined || head === pinned) return;
  if (!(await call.deps.copy.rebasedHere(branch, pinned, head))) return;
  count(call, { head });
  call.deps.progress("another landing rebased the branch; going on with that");
}

/** Whether what was rebased is what is being landed, and not a commit that was added meanwhile. */
export async function isOfThisLanding(
  call: LandingCall,
  { from }: Extract<RebaseAnswer, { from: string }>,
): Promise<boolean> {
  const pinned = call.tally.head;
  if (pinned === undefined || from === pinned || call.branch === undefined) return true;
  return call.deps.copy.rebasedHere(call.branch, pinned, from);
}
