import { RefusedError } from "../refused.ts";
import type { BranchRecord } from "../store/records.ts";
import { branchRef, type Canonical, short } from "./canonical.ts";
import { readRefs } from "./refs.ts";

/** What a request spoke of, as record and refs have it at one moment. */
export interface OpenHead {
  readonly branch: BranchRecord;
  /** The branch ref's tip, which is also the head that the request meant. */
  readonly head: string;
  /** The target ref's tip. */
  readonly target: string | undefined;
}

/**
 * Finds an open branch whose ref is at the head that the request names or, where it names none,
 * that the forge has recorded. Refuses everything else.
 */
export async function openHead(
  canonical: Canonical,
  request: { readonly branchId: number; readonly head: string | undefined },
  verb: "merged" | "closed",
): Promise<OpenHead> {
  const branch = canonical.store.read.branch(request.branchId);
  if (branch === undefined) throw new RefusedError(404, "branch not found");
  if (branch.state !== "open") throw notOpen(branch, verb);
  const ref = branchRef(branch.name);
  const refs = await readRefs(canonical.git, [ref, canonical.targetRef]);
  const head = refs.get(ref);
  if (head === undefined) {
    throw new RefusedError(
      409,
      `branch ref no longer exists: ${branch.name} was deleted; push it again to land it`,
      "branch_gone",
      { head_sha: branch.head },
    );
  }
  const meant = request.head ?? branch.head;
  if (meant !== head) {
    throw new RefusedError(
      409,
      `branch head changed: ${branch.name} is at ${short(head)}, not ${short(meant)}; ` +
        `refresh before it is ${verb}`,
      "head_moved",
      { head_sha: head },
    );
  }
  return { branch, head, target: refs.get(canonical.targetRef) };
}

function notOpen(branch: BranchRecord, verb: "merged" | "closed"): RefusedError {
  const ended =
    branch.mergeCommit === null ? branch.state : `${branch.state}, as ${branch.mergeCommit}`;
  return new RefusedError(
    409,
    `only open branches can be ${verb}; branch #${branch.id} ${branch.name} is already ${ended}`,
    "branch_not_open",
    { head_sha: branch.head },
  );
}
