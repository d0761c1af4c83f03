import { RefusedError } from "../refused.ts";
import { HttpFault, notFound } from "./fault.ts";
import type { Call, Handlers } from "./handler.ts";

/** Merging, closing, describing a branch. The guards themselves are the repository's. */
export const landingHandlers: Pick<Handlers, "merge" | "close" | "tutorial"> = {
  async merge(call) {
    if (call.body.force !== true) return merge(call);
    try {
      return await merge(call);
    } catch (error) {
      if (error instanceof RefusedError) noteRefusedForce(call, error.message);
      throw error;
    }
  },

  async close({ parts, id, body, caller }) {
    const branchId = id("branch_id");
    await parts.repository.close({
      branchId,
      head: body.head_sha,
      reason: body.reason,
      by: caller.npub,
    });
    parts.log.info({ branchId, by: caller.npub }, "branch closed");
    parts.mirror?.request();
    return { status: "ok", branch_id: branchId, merge_commit_sha: null, deleted: true };
  },

  tutorial({ parts, id, body, caller }) {
    const branchId = id("branch_id");
    const { head_sha, ...document } = body;
    parts.store.write((tx) => {
      const branch = tx.branch(branchId);
      if (branch === undefined) throw notFound("branch");
      if (branch.head !== head_sha) {
        throw new RefusedError(409, "branch head changed; describe the new one", "head_moved", {
          head_sha: branch.head,
        });
      }
      tx.putTutorial({
        branchId,
        head: head_sha,
        document: JSON.stringify(document),
        by: caller.npub,
      });
      tx.tellInboxes(branchId);
      tx.addAudit({ npub: caller.npub, action: "tutorial", branchId, head: head_sha });
    });
    return { status: "ok", branch_id: branchId };
  },
};

async function merge({ parts, id, body, caller }: Call<"merge">) {
  if (parts.draining()) {
    throw new HttpFault(503, {
      error: "this forge is about to stop and takes no more merges; ask again in a moment",
      code: "draining",
    });
  }
  const branchId = id("branch_id");
  const force = body.force === true ? forceOf(body.reason, caller.rights.admin) : undefined;
  const { mergeCommit } = await parts.repository.merge({
    branchId,
    head: body.head_sha,
    force,
    by: caller.npub,
  });
  parts.mirror?.request();
  const branch = parts.store.read.branch(branchId);
  parts.log.info({ branchId, head: branch?.head, by: caller.npub, force }, "branch merged");
  return { status: "ok", branch_id: branchId, merge_commit_sha: mergeCommit, deleted: null };
}

/** Who tried to force what, also where it came to nothing. */
function noteRefusedForce({ parts, id, body, caller }: Call<"merge">, words: string): void {
  const branchId = id("branch_id");
  parts.store.write((tx) => {
    const branch = tx.branch(branchId);
    if (branch === undefined) return;
    const head = body.head_sha ?? branch.head;
    const act = { npub: caller.npub, action: "force", branchId, head } as const;
    tx.addAudit({ ...act, result: "refused", detail: words });
  });
}

/** Force is granted by the caller's key, never by an argument alone. */
function forceOf(reason: string | undefined, owner: boolean): { reason: string } {
  if (!owner) {
    throw new RefusedError(
      403,
      "merging without green CI is the owner's alone; this key is not the owner's",
      "force_refused",
    );
  }
  if (reason === undefined || reason.trim() === "") {
    throw new RefusedError(400, "a forced merge is recorded with its reason; give one");
  }
  return { reason: reason.trim() };
}
