import { newLane, newRun, schedulerPass } from "./ci.ts";
import { sqlTime } from "./clock.ts";
import type { Core } from "./core.ts";
import { fillInbox } from "./inbox.ts";
import { mirrorPass } from "./mirror.ts";
import type { BranchRow, LaneSpec, TutorialRow } from "./types.ts";

interface Tip {
  readonly name: string;
  readonly sha: string;
  readonly author: string;
  readonly subject: string;
}

/** The double's background loop: turns one after the other, each whole. */
export interface Loop {
  /** One more turn, after those under way. Wakes that come while one waits are one turn. */
  wake(): Promise<void>;
  /** Until no turn is under way. */
  settled(): Promise<void>;
}

export function makeLoop(core: Core): Loop {
  let last = Promise.resolve();
  let waiting: Promise<void> | null = null;
  return {
    wake() {
      if (waiting !== null) return waiting;
      const turned = last.then(() => {
        waiting = null;
        return turn(core);
      });
      waiting = turned;
      last = turned.catch(() => {});
      return turned;
    },
    async settled() {
      for (let seen: unknown = null; seen !== last; ) {
        seen = last;
        await last;
      }
    },
  };
}

/** Poll, tutorials, mirror, CI. A failing poll is told in the health and stops no later step. */
async function turn(core: Core): Promise<void> {
  const { health, clock } = core;
  health.checkedAt = clock.now();
  if (core.faults.lateIngestion === 0) {
    try {
      await core.alone(() => ingest(core));
      health.error = null;
    } catch (error) {
      health.error = error instanceof Error ? error.message : String(error);
      health.errorAt = clock.now();
    }
  }
  if (core.autoTutorial) {
    for (const version of core.tutorials.filter(({ status }) => status === "pending")) {
      finishTutorial(core, version);
    }
  }
  await mirrorPass(core);
  schedulerPass(core);
}

async function ingest(core: Core): Promise<void> {
  const heads = await tipsOf(core);
  const target = heads.find(({ name }) => name === core.defaultBranch);
  const tips = heads.filter((tip) => tip !== target);
  tips.sort((a, b) => (a.author < b.author ? 1 : a.author > b.author ? -1 : 0));
  let queued = 0;
  for (const tip of tips) {
    const base = await mergeBase(core, target, tip.sha);
    const branch = upsert(core, tip, base);
    queueTutorial(core, branch);
    if (await queueRun(core, branch)) queued += 1;
  }
  const present = new Set(tips.map(({ name }) => name));
  for (const branch of core.branches) {
    if (branch.state === "open" && !present.has(branch.name)) {
      branch.state = "closed";
      branch.updatedAt = sqlTime(core.clock.now());
    }
  }
  if (queued > 0) core.health.activeAt = core.clock.now();
  core.health.summary = `repos 1 · branches ${tips.length} · queued tutorials ${queued} · queued ci ${queued} · stale closed 0`;
}

async function tipsOf(core: Core): Promise<Tip[]> {
  const fields = ["refname:short", "objectname", "authordate:iso-strict", "subject"];
  const format = fields.map((field) => `%(${field})`).join("%00");
  const listed = await core.git.must(["for-each-ref", `--format=${format}`, "refs/heads"]);
  const tips: Tip[] = [];
  for (const line of listed.split("\n").filter((one) => one !== "")) {
    const [name = "", sha = "", author = "", subject = ""] = line.split("\0");
    tips.push({ name, sha, author, subject });
  }
  return tips;
}

/** Two commits have one merge base for ever, so it is asked for once. */
async function mergeBase(core: Core, target: Tip | undefined, sha: string): Promise<string> {
  const onto = target?.sha ?? `refs/heads/${core.defaultBranch}`;
  const pair = `${onto} ${sha}`;
  const known = core.mergeBases.get(pair) ?? (await core.git.must(["merge-base", onto, sha]));
  core.mergeBases.set(pair, known);
  return known;
}

function upsert(core: Core, tip: Tip, base: string): BranchRow {
  const open = core.branches.find((row) => row.name === tip.name && row.state === "open");
  const facts = {
    title: tip.subject,
    updatedAt: tip.author,
    target: core.defaultBranch,
    head: tip.sha,
    mergeBase: base,
  };
  if (open !== undefined) {
    if (open.head !== tip.sha && core.faults.previousSuccess > 0) core.runless.add(tip.sha);
    return Object.assign(open, facts);
  }
  const made: BranchRow = {
    id: core.next("branch"),
    name: tip.name,
    state: "open",
    mergeCommit: null,
    endedBy: null,
    ...facts,
  };
  core.branches.push(made);
  return made;
}

function queueTutorial(core: Core, branch: BranchRow): void {
  const versions = core.tutorials.filter(({ branchId }) => branchId === branch.id);
  if (versions.at(-1)?.head === branch.head) return;
  for (const version of versions) if (!version.current) version.status = "superseded";
  core.tutorials.push({
    id: core.next("other"),
    branchId: branch.id,
    head: branch.head,
    status: "pending",
    error: null,
    current: false,
  });
}

/** A generation came to its end: ready, and current if it is still the newest of the head. */
export function finishTutorial(core: Core, version: TutorialRow): void {
  const branch = core.branches.find(({ id }) => id === version.branchId);
  const newest = core.tutorials.findLast(({ branchId }) => branchId === version.branchId);
  if (version.status === "superseded" || branch === undefined) return;
  version.status = "ready";
  version.error = null;
  if (newest !== version || version.head !== branch.head) return;
  for (const other of core.tutorials) {
    if (other.branchId === version.branchId) other.current = other === version;
  }
  fillInbox(core, branch, version);
}

/** One run for a head that has none yet, manual reruns included. Answers whether it was queued. */
async function queueRun(core: Core, branch: BranchRow): Promise<boolean> {
  const owner = { branchId: branch.id };
  const known = core.runs.some(
    (run) =>
      "branchId" in run.owner && run.owner.branchId === branch.id && run.head === branch.head,
  );
  if (known || core.runless.has(branch.head)) return false;
  const id = () => core.next("run");
  if (core.lanes instanceof Error) {
    const run = newRun(core, owner, branch.head, [], { id: id() });
    run.status = "failed";
    core.runs.push(run);
  } else {
    const specs = await selected(core, core.lanes, branch);
    const lanes = specs.map((spec) => newLane(core, "lane", spec));
    core.runs.push(newRun(core, owner, branch.head, lanes, { id: id() }));
  }
  core.changes.emit("branch", branch.id);
  return true;
}

const manifestPaths = { seed: "ci/forge-lanes.toml", head: "crates/pikaci/src/forge_lanes.rs" };

async function selected(
  core: Core,
  lanes: readonly LaneSpec[],
  branch: BranchRow,
): Promise<readonly LaneSpec[]> {
  const range = `${branch.mergeBase}..${branch.head}`;
  const told = await core.git.must(["diff", "--name-only", range]);
  const changed = told.split("\n").filter((path) => path !== "");
  if (changed.length === 0 || changed.includes(manifestPaths[core.revision])) return lanes;
  return lanes.filter(({ paths = [] }) => {
    if (paths.length === 0) return true;
    return paths.some((glob) => changed.some((path) => globExpression(glob).test(path)));
  });
}

/** A glob in which `*` and `?` cross `/` too. */
function globExpression(glob: string): RegExp {
  let text = "";
  let inBraces = false;
  for (let at = 0; at < glob.length; at += 1) {
    const sign = glob[at] ?? "";
    if (glob.startsWith("**/", at)) {
      text += "(?:.*/)?";
      at += 2;
    } else if (sign === "*") text += ".*";
    else if (sign === "?") text += ".";
    else if (sign === "{") {
      text += "(?:";
      inBraces = true;
    } else if (sign === "}") {
      text += ")";
      inBraces = false;
    } else if (sign === "," && inBraces) text += "|";
    else if (sign === "[" || sign === "]") text += sign;
    else if (sign === "\\") {
      at += 1;
      text += `\\${glob[at] ?? ""}`;
    } else text += sign.replace(/[.+^$()|]/g, "\\$&");
  }
  return new RegExp(`^${text}$`, "s");
}
