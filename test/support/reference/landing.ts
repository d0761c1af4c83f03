import { sqlTime } from "./clock.ts";
import { branchById, type Core } from "./core.ts";
import { refuse } from "./refusal.ts";
import type { BranchRow } from "./types.ts";

type Verb = "merge" | "close";

/** What must hold before either: open, there, and still the head that the record has. */
async function openBranch(core: Core, id: bigint, verb: Verb): Promise<BranchRow> {
  const branch = branchById(core, id);
  if (branch === undefined) throw refuse(404, "branch not found");
  const past = verb === "merge" ? "merged" : "closed";
  if (branch.state !== "open") throw refuse(409, `only open branches can be ${past}`);
  const tip = await tipOf(core, `refs/heads/${branch.name}`);
  if (tip === null) throw refuse(409, "branch ref no longer exists");
  if (tip !== branch.head) {
    const doing = verb === "merge" ? "merging" : "closing";
    throw refuse(409, `branch head changed; refresh before ${doing}`);
  }
  return branch;
}

async function tipOf(core: Core, ref: string): Promise<string | null> {
  const asked = await core.git.ask(["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
  return asked.code === 0 ? asked.stdout.trim() : null;
}

/** Merges and deletes the branch in one transaction; the record then names the merge commit. */
export async function merge(core: Core, id: bigint, npub: string): Promise<BranchRow> {
  const branch = await openBranch(core, id, "merge");
  if (core.faults.holdMerges === "before") await core.gates.merge.wait();
  await core.alone(() => publish(core, branch, npub));
  if (core.faults.holdMerges === "after") await core.gates.merge.wait();
  return branch;
}

async function publish(core: Core, branch: BranchRow, npub: string): Promise<void> {
  const target = `refs/heads/${core.defaultBranch}`;
  const source = `refs/heads/${branch.name}`;
  const now = await tipOf(core, source);
  if (now === null) throw refuse(409, `branch \`${branch.name}\` no longer exists`);
  if (now !== branch.head) throw refuse(409, `branch head changed from ${branch.head} to ${now}`);
  const onto = await tipOf(core, target);
  if (onto === null) throw refuse(409, `default branch \`${core.defaultBranch}\` no longer exists`);
  const merged = await core.git.ask(["merge-tree", "--write-tree", target, branch.head]);
  if (merged.code !== 0) {
    throw refuse(409, `merge branch \`${branch.name}\` into ${core.defaultBranch}`);
  }
  const tree = merged.stdout.split("\n")[0] ?? "";
  const commit = await commitTree(core, tree, [onto, branch.head], branch.name);
  const published = await core.git.ask(
    ["update-ref", "--stdin"],
    `start\nupdate ${target} ${commit} ${onto}\ndelete ${source} ${branch.head}\nprepare\ncommit\n`,
  );
  if (published.code !== 0) throw refuse(409, `publish merge branch \`${branch.name}\``);
  end(core, branch, "merged", npub);
  branch.mergeCommit = commit;
}

async function commitTree(
  core: Core,
  tree: string,
  parents: readonly string[],
  name: string,
): Promise<string> {
  const [who, at] = ["Pika Forge", "forge@git.pikachat.org"] as const;
  const message = `Merge branch '${name}' into ${core.defaultBranch}`;
  const from = parents.flatMap((sha) => ["-p", sha]);
  return core.git.must(["commit-tree", tree, ...from, "-m", message], {
    GIT_AUTHOR_NAME: who,
    GIT_AUTHOR_EMAIL: at,
    GIT_COMMITTER_NAME: who,
    GIT_COMMITTER_EMAIL: at,
  });
}

export async function close(core: Core, id: bigint, npub: string): Promise<BranchRow> {
  const branch = await openBranch(core, id, "close");
  await core.alone(async () => {
    const ref = `refs/heads/${branch.name}`;
    const deleted = await core.git.ask(["update-ref", "-d", ref, branch.head]);
    if (deleted.code !== 0) throw refuse(409, `delete branch \`${branch.name}\``);
    end(core, branch, "closed", npub);
  });
  return branch;
}

function end(core: Core, branch: BranchRow, state: "merged" | "closed", npub: string): void {
  branch.state = state;
  branch.updatedAt = sqlTime(core.clock.now());
  branch.endedBy = npub;
  core.mirrorWanted = true;
}
