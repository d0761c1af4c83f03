import { eventHubOf } from "../forges/event-hub.ts";
import type { LandingDeps } from "../landing/call.ts";
import type { OperationContext } from "./operation.ts";
import type { Place } from "./subject.ts";

/** What a landing works with, from what a face lends. All of one process share a forge's events. */
export function landingDeps(context: OperationContext, place: Place): LandingDeps {
  return {
    copy: place.worktree.copy,
    forge: place.forge,
    remote: place.worktree.remote,
    changes: () => eventHubOf(place.forge).subscribe(),
    signal: context.signal,
    secrets: place.worktree.secrets,
    progress: (message) => context.progress(message),
  };
}
