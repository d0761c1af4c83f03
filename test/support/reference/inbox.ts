import { sqlTime, sqlTimeOrNull } from "./clock.ts";
import { type Core, shownTutorial } from "./core.ts";
import { refuse } from "./refusal.ts";
import type { BranchRow, InboxRow, TutorialRow } from "./types.ts";

const pageSize = 50;

/** Who gets a row when a tutorial becomes ready and current. */
function recipients(core: Core): string[] {
  const head = core.revision === "head";
  const rows = [...core.allow.values()].filter((row) => row.active || (head && row.canForgeWrite));
  const legacy = head ? [] : core.legacyAllowed;
  return [...new Set([...core.admins, ...legacy, ...rows.map(({ npub }) => npub)])];
}

export function fillInbox(core: Core, branch: BranchRow, version: TutorialRow): void {
  for (const npub of recipients(core)) put(core, npub, branch, version);
}

/** Rows for every tutorial that is ready and current; answers how many are new. */
export function backfill(core: Core, npub: string): number {
  let made = 0;
  for (const version of core.tutorials.filter(({ current }) => current)) {
    const branch = core.branches.find(({ id }) => id === version.branchId);
    if (branch === undefined) continue;
    if (core.inbox.some((row) => row.npub === npub && row.branchId === branch.id)) continue;
    if (put(core, npub, branch, version)) made += 1;
  }
  return made;
}

function put(core: Core, npub: string, branch: BranchRow, version: TutorialRow): boolean {
  const seed = core.revision === "seed";
  if (seed && branch.state !== "open") return false;
  const now = core.clock.now();
  const known = core.inbox.find((row) => row.npub === npub && row.branchId === branch.id);
  if (known === undefined) {
    core.inbox.push({
      npub,
      branchId: branch.id,
      state: "inbox",
      reason: seed ? "generation_ready" : "new_commits",
      version: version.id,
      createdAt: now,
      updatedAt: now,
      reviewedVersion: null,
      reviewedAt: null,
    });
    return true;
  }
  known.state = "inbox";
  known.version = version.id;
  if (seed) known.createdAt = now;
  else known.updatedAt = now;
  return true;
}

const needsReview = (row: InboxRow) => row.reviewedVersion !== row.version;

function visible(core: Core, npub: string): { row: InboxRow; branch: BranchRow }[] {
  const found: { row: InboxRow; branch: BranchRow }[] = [];
  for (const row of core.inbox) {
    const branch = core.branches.find(({ id }) => id === row.branchId);
    if (row.npub !== npub || row.state !== "inbox" || branch === undefined) continue;
    if (core.revision === "seed" && branch.state !== "open") continue;
    found.push({ row, branch });
  }
  if (core.revision === "seed") {
    return found.sort((a, b) => a.row.createdAt - b.row.createdAt || a.branch.id - b.branch.id);
  }
  return found.sort(
    (a, b) => Number(needsReview(b.row)) - Number(needsReview(a.row)) || newestRow(a, b),
  );
}

type Listed = ReturnType<typeof visible>[number];
const newestRow = (a: Listed, b: Listed) =>
  b.row.updatedAt - a.row.updatedAt || b.branch.id - a.branch.id;

export function inboxList(core: Core, npub: string, asked: bigint) {
  const page = asked < 1n ? 1 : Number(asked);
  const all = visible(core, npub);
  const items = all
    .slice((page - 1) * pageSize, page * pageSize)
    .map(({ row, branch }) => itemOf(core, row, branch));
  if (core.revision === "seed") return { items, total: all.length, page };
  const review = all.filter(({ row }) => needsReview(row)).length;
  return { items, total: all.length, review_needed: review, page };
}

function itemOf(core: Core, row: InboxRow, branch: BranchRow) {
  const seed = core.revision === "seed";
  return {
    review_id: branch.id,
    branch_id: branch.id,
    ...(seed ? { pr_id: null } : {}),
    repo: core.slug,
    branch_name: branch.name,
    ...(seed ? { pr_number: null } : {}),
    title: branch.title,
    ...(seed ? { url: null } : {}),
    state: branch.state,
    updated_at: branch.updatedAt,
    generation_status: shownTutorial(core, branch.id)?.status ?? "pending",
    reason: row.reason,
    inbox_created_at: sqlTime(row.createdAt),
    ...(seed
      ? {}
      : { needs_review: needsReview(row), last_reviewed_at: sqlTimeOrNull(row.reviewedAt) }),
  };
}

export function inboxCount(core: Core, npub: string) {
  const rows = visible(core, npub);
  const seed = core.revision === "seed";
  return { count: seed ? rows.length : rows.filter(({ row }) => needsReview(row)).length };
}

export function dismiss(core: Core, npub: string, ids: readonly number[] | "all") {
  const rows = core.inbox.filter(
    (row) =>
      row.npub === npub && row.state === "inbox" && (ids === "all" || ids.includes(row.branchId)),
  );
  for (const row of rows) row.state = "dismissed";
  return { dismissed: rows.length };
}

/** At the later revision the walk goes by the rows' own times, whatever needs review. */
export function neighbors(core: Core, npub: string, id: bigint) {
  const rows = visible(core, npub);
  if (core.revision === "head") rows.sort(newestRow);
  const at = rows.findIndex(({ branch }) => BigInt(branch.id) === id);
  if (at < 0) throw refuse(404, "inbox item not found");
  const idAt = (index: number) => rows[index]?.branch.id ?? null;
  return {
    prev: at === 0 ? null : idAt(at - 1),
    next: idAt(at + 1),
    position: at + 1,
    total: rows.length,
  };
}

export function markReviewed(core: Core, npub: string, id: bigint) {
  const row = core.inbox.find((one) => one.npub === npub && BigInt(one.branchId) === id);
  if (row === undefined) return { marked: 0 };
  row.reviewedVersion = row.version;
  row.reviewedAt = core.clock.now();
  return { marked: 1 };
}
