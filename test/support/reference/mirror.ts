import type { Core } from "./core.ts";
import { refuse } from "./refusal.ts";
import type { MirrorRow } from "./types.ts";

export const mirrorRemote = "mirror";
export const mirrorSeconds = 300;
const timeoutSeconds = 120;

/** The loop's own attempt: a mutation asked for it, or the last one is long enough ago. */
export async function mirrorPass(core: Core): Promise<void> {
  if (core.options.mirror === undefined || core.mirrorBusy) return;
  const last = core.mirrorRuns.at(-1);
  const due = last !== undefined && last.at + mirrorSeconds * 1000 <= core.clock.now();
  if (!core.mirrorWanted && !due) return;
  const trigger = core.mirrorWanted ? "post-mutation" : "background";
  core.mirrorWanted = false;
  await attempt(core, trigger);
}

export async function syncByHand(core: Core) {
  if (core.options.mirror === undefined) {
    const how = "configure forge_repo.mirror_remote to enable mirroring";
    throw refuse(409, `mirror sync is unavailable; ${how}`);
  }
  if (core.mirrorBusy) throw refuse(409, "mirror sync already running");
  const run = await attempt(core, "manual");
  return { attempted: true, status: run.status, lagging_ref_count: run.lagging };
}

async function attempt(core: Core, trigger: MirrorRow["trigger"]): Promise<MirrorRow> {
  core.mirrorBusy = true;
  try {
    if (core.faults.holdMirror) await core.gates.mirror.wait();
    const heads = "refs/heads/*:refs/heads/*";
    const pushed = await core.git.ask(["push", "-q", "--prune", mirrorRemote, heads]);
    const seen = await core.git.ask(["ls-remote", "--heads", mirrorRemote]);
    const failed = [pushed, seen].find(({ code }) => code !== 0);
    const counts = seen.code === 0 ? await lagOf(core, seen.stdout) : null;
    const row: MirrorRow = {
      id: core.next("other"),
      trigger,
      status: failed === undefined ? "success" : "failed",
      error: failed === undefined ? null : failed.stderr.trim(),
      localHead: counts?.localHead ?? null,
      remoteHead: counts?.remoteHead ?? null,
      lagging: counts?.lagging ?? null,
      synced: counts?.synced ?? null,
      at: core.clock.now(),
    };
    core.mirrorRuns.push(row);
    return row;
  } finally {
    core.mirrorBusy = false;
  }
}

async function lagOf(core: Core, listed: string) {
  const format = "--format=%(objectname)\t%(refname)";
  const local = headsOf(await core.git.must(["for-each-ref", format, "refs/heads"]));
  const remote = headsOf(listed);
  const names = [...new Set([...local.keys(), ...remote.keys()])];
  const synced = names.filter((name) => local.get(name) === remote.get(name)).length;
  const main = `refs/heads/${core.defaultBranch}`;
  return {
    synced,
    lagging: names.length - synced,
    localHead: local.get(main) ?? null,
    remoteHead: remote.get(main) ?? null,
  };
}

function headsOf(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => {
      const [sha = "", ref = ""] = line.split("\t");
      return [ref, sha];
    }),
  );
}

const configWords = [
  "mirror remote",
  "authentication failed",
  "could not read username",
  "repository not found",
  "permission denied",
  "not authorized",
  "access denied",
  "requested url returned error: 403",
  "requested url returned error: 401",
  "no such remote",
];

/** Computed on read from the text, as both revisions do. */
export function mirrorFailureKind(core: Core, error: string | null): string | null {
  if (error === null) return null;
  const text = error.toLowerCase();
  if (core.revision === "head") {
    if (text.includes("already in sync; treating this trigger as obsolete")) return "obsolete";
    if (text.includes("stale mirror sync still holds repo lock")) return "stale";
    if (text.includes("mirror sync already running")) return "busy";
    if (text.includes("timed out after")) return "timeout";
  }
  return configWords.some((word) => text.includes(word)) ? "config" : "transient";
}

export { timeoutSeconds as mirrorTimeoutSeconds };
