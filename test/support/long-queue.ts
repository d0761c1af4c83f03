import { spawnSync } from "node:child_process";
import { openStore } from "../../src/server/store/open-store.ts";
import type { LaneDefinition } from "../../src/server/store/records.ts";

export interface LongQueue {
  readonly storeFile: string;
  /** The canonical repository. */
  readonly canonical: string;
  /** The commit that all branches have, and what of it is in the target. */
  readonly head: string;
  readonly mergeBase: string;
  readonly branches: number;
  readonly lanesEach: number;
  readonly branchName?: (index: number) => string;
  readonly lane?: (index: number) => Partial<LaneDefinition>;
}

export const usualBranchName = (index: number) => `feature/number-${index}`;

/**
 * Puts many branches, each with its lanes, into the queue of a forge that runs: as if all of them
 * had been pushed, but without a minute of reading them.
 */
export function queueMany(queue: LongQueue): void {
  const { head, mergeBase, branchName = usualBranchName } = queue;
  const store = openStore(queue.storeFile, { now: () => new Date() });
  try {
    store.write((tx) => {
      for (let index = 0; index < queue.branches; index += 1) {
        const branch = tx.openBranch({
          ...{ name: branchName(index), title: `Change ${index}`, target: "main", head },
          ...{ mergeBase, problem: null },
        });
        tx.createRun({
          ...{ branchId: branch.id, subject: "head", head, partial: false, rerunOf: null },
          ...{ reason: null, note: null, status: "success" },
          lanes: Array.from({ length: queue.lanesEach }, (_, at) => ({
            ...{ lane: `lane-${at}`, title: `Lane ${at}`, entrypoint: "sleep" },
            ...{ command: ["sleep", "600"], paths: [], inputs: [], env: [] },
            ...{ concurrencyGroup: null, timeoutSeconds: null, targetKey: null },
            ...queue.lane?.(at),
          })),
        });
      }
      makeRefs(queue, branchName);
    });
  } finally {
    store.close();
  }
}

/** Before the store's change is there for anybody, who would miss the refs. */
function makeRefs({ canonical, branches, head }: LongQueue, branchName: (at: number) => string) {
  const refs = Array.from(
    { length: branches },
    (_, index) => `create refs/heads/${branchName(index)} ${head}\n`,
  );
  const made = spawnSync("git", [`--git-dir=${canonical}`, "update-ref", "--stdin"], {
    input: refs.join(""),
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`git update-ref: ${made.stderr}`);
}
