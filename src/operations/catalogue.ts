import { LandError } from "../domain/errors.ts";
import { audit } from "./audit.ts";
import { branchStatus } from "./branch-status.ts";
import { closeBranch } from "./close-branch.ts";
import { describeBranch } from "./describe-branch.ts";
import { fetchTarget } from "./fetch-target.ts";
import { inspectQueue } from "./inspect-queue.ts";
import { landBranch } from "./land-branch.ts";
import { laneLogs } from "./lane-logs.ts";
import { listBranches } from "./list-branches.ts";
import { members } from "./members.ts";
import { mergeBranch } from "./merge-branch.ts";
import { nightly } from "./nightly.ts";
import type { AnyOperation } from "./operation.ts";
import { pushBranch } from "./push-branch.ts";
import { rebaseBranch } from "./rebase-branch.ts";
import { recoverCi } from "./recover-ci.ts";
import { settleTarget } from "./settle-target.ts";
import { tokens } from "./tokens.ts";
import { waitForCi } from "./wait-for-ci.ts";

/** Everything an agent or a person may ask for, in the order in which it is shown. */
export const catalogue: readonly AnyOperation[] = [
  landBranch,
  listBranches,
  branchStatus,
  fetchTarget,
  rebaseBranch,
  pushBranch,
  waitForCi,
  laneLogs,
  mergeBranch,
  closeBranch,
  inspectQueue,
  recoverCi,
  describeBranch,
  nightly,
  settleTarget,
  members,
  tokens,
  audit,
];

/** The operation behind a CLI verb, or undefined. */
export function operationForCommand(command: string): AnyOperation | undefined {
  return catalogue.find((operation) => operation.faces.command === command);
}

/** Those of the operations that a tool server shows. Throws `bad_argument` for an unknown name. */
export function selectTools(
  operations: readonly AnyOperation[],
  wanted: { readOnly?: boolean | undefined; tools?: readonly string[] | undefined },
): readonly AnyOperation[] {
  const shown = operations.filter((operation) => operation.faces.tool !== undefined);
  const names = shown.map((operation) => operation.faces.tool);
  const unknown = wanted.tools?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new LandError("bad_argument", `There is no tool ${JSON.stringify(unknown)}.`, {
      next: `The tools are ${names.join(", ")}.`,
    });
  }
  return shown.filter(
    ({ faces, hints }) =>
      (wanted.readOnly !== true || hints.readOnly) &&
      (wanted.tools === undefined ||
        (faces.tool !== undefined && wanted.tools.includes(faces.tool))),
  );
}
