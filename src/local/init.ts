import { realpath, stat } from "node:fs/promises";
import { LandError } from "../domain/errors.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import { ensureKeyFile } from "../identity/keys.ts";
import { ensurePrivateFolder } from "../identity/private-file.ts";
import {
  configuredForge,
  forgeAt,
  forgesOfOrigin,
  forgeToJoin,
  type KnownForge,
  originOf,
  ownStateDir,
  rootsOf,
  sharesHistory,
} from "./find-forge.ts";
import { refuseUnfit } from "./fitness.ts";
import { keyFile, layoutOf } from "./layout.ts";
import type { ForgeLayout } from "./local-forge.ts";
import { addressKey, type RemoteAddress } from "./remote-address.ts";
import {
  addForgeRemote,
  forgeKey,
  forgeRemote,
  readRemotes,
  refuseForeignRemote,
  writeOwnConfig,
} from "./repository-settings.ts";
import { createSettings, type ForgeSettings, settingsShape, updateSettings } from "./settings.ts";
import { type ChosenTarget, chooseTarget, commitsWithout } from "./target.ts";

export interface InitRequest {
  readonly worktreeDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateHome: string;
  readonly options: {
    /** Join the forge of another clone: its folder, a state folder, or `true` to find it. */
    readonly join?: string | true | undefined;
    readonly target?: string | undefined;
    /** A readable name for the state folder. */
    readonly name?: string | undefined;
  };
  readonly signal?: AbortSignal | undefined;
}

export interface InitReport {
  /** False where the forge was there already. */
  readonly created: boolean;
  readonly joined: boolean;
  readonly layout: ForgeLayout;
  readonly stateDir: string;
  readonly target: string;
  /** The git remote that leads to the forge. */
  readonly remote: string;
  /** Where the target began: at origin's tip or at the local branch's. */
  readonly seededFrom: "origin" | "local" | undefined;
  /** How the local target stands to origin's, where both are there. */
  readonly aheadBehind: { readonly ahead: number; readonly behind: number } | undefined;
  readonly ownerNpub: string;
  readonly agentNpub: string;
  readonly notes: readonly string[];
}

/**
 * Gives a repository a local forge: state folder, keys, settings, git config and remote. Doing it
 * again changes nothing; doing it many times at once makes one forge. The forge's process, which
 * makes the canonical repository, is started by the caller.
 */
export async function initForge(request: InitRequest): Promise<InitReport> {
  const copy = await openWorkingCopy(request.worktreeDir, request.env);
  const git = new Git({ dir: copy.path, env: request.env });
  const { signal } = request;
  const known = await configuredForge(git, signal);
  if (request.options.join !== undefined) return join(request, git, known);
  if (known !== undefined) return again(request, git, known);
  const notes = await refuseUnfit(git, signal);
  const commonDir = await realpath(copy.commonDir);
  const stateDir = ownStateDir(request.stateHome, commonDir, request.options.name);
  const before = await forgeAt(stateDir);
  if (before !== undefined) {
    await refuseOthersState(git, before, signal);
    return again(request, git, before);
  }
  return create(request, git, { commonDir, layout: layoutOf(stateDir), notes });
}

interface Place {
  readonly commonDir: string;
  readonly layout: ForgeLayout;
  readonly notes: readonly string[];
}

async function create(request: InitRequest, git: Git, place: Place): Promise<InitReport> {
  const { layout, commonDir } = place;
  const { signal } = request;
  refuseForeignRemote(await readRemotes(git, signal), layout);
  const chosen = await chooseTarget(git, request.options.target, signal);
  const origin = await originOf(git, signal);
  const others = origin === undefined ? [] : await forgesOfOrigin(request.stateHome, origin);
  const leftNotes = await earlierForgeNotes(git, chosen, signal);
  await ensurePrivateFolder(layout.stateDir);
  const { ownerNpub, agentNpub } = await ensureKeys(layout);
  const created = await createSettings(
    layout,
    settingsShape.parse({
      version: 1,
      repo: slugOf(origin, layout),
      target: chosen.target,
      commonDir,
      origin: origin === undefined ? null : addressKey(origin),
      roots: (await rootsOf(git, chosen.sha, signal)).slice(0, 100),
      ownerNpub,
      agentNpub,
      seed: { fromRepository: commonDir, sha: chosen.sha },
    } satisfies Partial<ForgeSettings>),
  );
  const forge = await forgeAt(layout.stateDir);
  if (forge === undefined) throw vanished(layout);
  const remote = await connect(git, forge, request.options.target, signal);
  return {
    ...reportOf(forge, remote),
    created,
    joined: false,
    seededFrom: chosen.from,
    aheadBehind: chosen.aheadBehind,
    notes: [...targetNotes(chosen), ...leftNotes, ...otherForgeNotes(others), ...place.notes],
  };
}

/** A repository that has its forge: whatever is missing of keys and config is put back. */
async function again(request: InitRequest, git: Git, forge: KnownForge): Promise<InitReport> {
  const { signal, options } = request;
  refuseForeignRemote(await readRemotes(git, signal), forge.layout);
  refuseOtherTarget(forge, options.target);
  const { settings, notes } = await restoreKeys(forge);
  const remote = await connect(git, forge, options.target, signal);
  return {
    ...reportOf({ ...forge, settings }, remote),
    created: false,
    joined: false,
    seededFrom: undefined,
    aheadBehind: undefined,
    notes,
  };
}

/**
 * A key that was lost is made anew, and the forge told of it. A forge on a server has its owner's key
 * elsewhere: one that is not there was not lost, and a new one would take the owner's rights.
 */
async function restoreKeys(forge: KnownForge): Promise<{
  settings: ForgeSettings;
  notes: readonly string[];
}> {
  const { layout, settings } = forge;
  if (settings.canonicalUrl !== null) return { settings, notes: [] };
  const keys = await ensureKeys(layout);
  if (keys.ownerNpub === settings.ownerNpub && keys.agentNpub === settings.agentNpub) {
    return { settings, notes: [] };
  }
  return {
    settings: await updateSettings(layout, (current) => ({ ...current, ...keys })),
    notes: ["A key was not the one the forge knew; run `land stop` so that it learns the new one."],
  };
}

async function join(
  request: InitRequest,
  git: Git,
  known: KnownForge | undefined,
): Promise<InitReport> {
  const { signal, options, stateHome } = request;
  const given = options.join === true ? undefined : options.join;
  // Found already, and not told to look for another one.
  const forge =
    known !== undefined && given === undefined
      ? known
      : await forgeToJoin(git, stateHome, given, signal);
  if (known !== undefined && known.layout.stateDir !== forge.layout.stateDir) {
    throw new LandError("unsupported_repository", "This repository has another forge already.", {
      state: `It belongs to ${known.layout.stateDir}. Nothing was changed.`,
      next: `To leave that one, run \`git config --unset ${forgeKey}\` and remove its remote, then join.`,
    });
  }
  const notes = await refuseUnfit(git, signal);
  if (!(await sharesHistory(git, forge.settings, signal))) {
    throw new LandError("unrelated_histories", "This clone shares no history with that forge.", {
      state: "Nothing was changed.",
      next: "Join from a clone of the same repository, or make its own forge with `land init`.",
    });
  }
  const report = await again(request, git, forge);
  await fetchAll(git, forge.layout, report.remote, signal);
  return { ...report, joined: true, notes: [...report.notes, ...notes] };
}

async function connect(
  git: Git,
  forge: KnownForge,
  target: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  refuseOtherTarget(forge, target);
  const remote = await addForgeRemote(git, forge.layout, signal);
  await writeOwnConfig(git, forgeKey, forge.layout.stateDir, signal);
  return remote;
}

/** A forge that was never started has no repository to fetch from yet. */
async function fetchAll(
  git: Git,
  layout: ForgeLayout,
  remote: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await stat(layout.repositoryDir).catch(() => undefined)) === undefined) return;
  const args = ["fetch", "--quiet", "--no-tags", "--no-auto-maintenance", remote];
  await git.run({ args, timeoutMs: 10 * 60_000 }, signal);
}

async function ensureKeys(layout: ForgeLayout): Promise<{ ownerNpub: string; agentNpub: string }> {
  await ensurePrivateFolder(layout.keysDir);
  const owner = await ensureKeyFile(keyFile(layout, "owner"));
  const agent = await ensureKeyFile(keyFile(layout, "agent"));
  return { ownerNpub: owner.npub, agentNpub: agent.npub };
}

function reportOf(forge: KnownForge, remote: string) {
  const { layout, settings } = forge;
  return {
    layout,
    stateDir: layout.stateDir,
    target: settings.target,
    remote,
    ownerNpub: settings.ownerNpub,
    agentNpub: settings.agentNpub,
  };
}

/** The forge's name on its pages: origin's path, else the state folder's readable part. */
function slugOf(origin: RemoteAddress | undefined, layout: ForgeLayout): string {
  const parts = origin?.kind === "host" ? origin.path.split("/").filter((part) => part !== "") : [];
  const slug = parts.slice(-2).join("/");
  const folder = layout.stateDir.slice(layout.stateDir.lastIndexOf("/") + 1);
  return slug === "" ? `local/${folder.replace(/-[0-9a-f]{8}$/, "")}` : slug;
}

function targetNotes(chosen: ChosenTarget): string[] {
  if (chosen.aheadBehind === undefined) return [];
  const { ahead, behind } = chosen.aheadBehind;
  if (ahead === 0 && behind === 0) return [];
  return [
    `The target begins at origin/${chosen.target}; the local ${chosen.target} is ${ahead} ahead and ${behind} behind of it.`,
    ...(ahead > 0 ? ["What is ahead lands like any other work: from a branch of its own."] : []),
  ];
}

/** What an earlier forge landed is told before the new one's first fetch hides it. */
async function earlierForgeNotes(
  git: Git,
  { target, sha }: ChosenTarget,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const left = await commitsWithout(git, `refs/remotes/${forgeRemote}/${target}`, sha, signal);
  if (left === undefined || left.count === 0) return [];
  return [
    `An earlier forge left ${target} at ${left.tip}, ${left.count} commits that this one begins without. \`git branch earlier-forge ${left.tip}\` keeps them; they land like any other branch.`,
  ];
}

function otherForgeNotes(others: readonly KnownForge[]): string[] {
  const [other] = others;
  if (other === undefined) return [];
  return [
    `Another clone of this origin has a forge (${other.layout.stateDir}). To share that one, remove this one and use \`land init --join\`.`,
  ];
}

function refuseOtherTarget(forge: KnownForge, target: string | undefined): void {
  if (target === undefined || target === forge.settings.target) return;
  throw new LandError("wrong_target", `This forge lands on ${forge.settings.target}.`, {
    state: "A forge has one target. Nothing was changed.",
    next: `Leave --target out, or use \`--target ${forge.settings.target}\`.`,
  });
}

/** The state of an earlier repository at the same path is nobody's to take over. */
async function refuseOthersState(
  git: Git,
  forge: KnownForge,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (await sharesHistory(git, forge.settings, signal)) return;
  throw new LandError(
    "unsupported_repository",
    `${forge.layout.stateDir} holds the forge of an earlier repository at this path.`,
    {
      state: "Its history has nothing in common with this one. Nothing was changed.",
      next: "Move or remove that folder if it is no longer wanted, or name the new forge: `land init --name NAME`.",
    },
  );
}

function vanished(layout: ForgeLayout): LandError {
  return new LandError("internal", `${layout.settingsFile} vanished while it was made.`, {
    next: "Run `land init` again.",
  });
}
