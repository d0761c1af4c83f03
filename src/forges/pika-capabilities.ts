import { LandError } from "../domain/errors.ts";
import { type Capabilities, type RecoveryAction, recoveryActions } from "./forge.ts";
import type { Flavour } from "./prefix.ts";

/** What the reference can recover, by revision. */
const referenceRecovery: Readonly<Record<string, readonly RecoveryAction[]>> = {
  "/git": ["rerun_lane", "requeue", "fail", "recover", "wake"],
  "/news": ["rerun_lane"],
};

/** What a forge can do, from what it says of itself. Pure. */
export function capabilitiesOf(flavour: Flavour, knownTarget: string | undefined): Capabilities {
  const { about, prefix } = flavour;
  const target = about?.target ?? knownTarget;
  if (target === undefined) {
    throw new LandError("unsupported", "Which branch this forge lands on is not known.", {
      state: "Nothing was changed.",
      next: "Run `git remote set-head <remote> --auto` for its remote, then try again.",
    });
  }
  if (about === undefined) {
    return {
      changes: "polling",
      head: "compared",
      landingRule: "up_to_date",
      changeRequestNeeded: false,
      recovery: referenceRecovery[prefix] ?? [],
      target,
      version: undefined,
    };
  }
  return {
    changes: "events",
    head: "pinned",
    landingRule: about.landing_rule,
    changeRequestNeeded: false,
    recovery: recoveryActions.filter((action) => about.recovery.includes(action)),
    target,
    version: about.version,
  };
}
