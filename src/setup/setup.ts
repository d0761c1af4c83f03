import { readFileSync, statSync } from "node:fs";
import { lstat, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, sep } from "node:path";
import { LandError } from "../domain/errors.ts";
import { forgesRoot } from "../local/layout.ts";
import { programIn } from "../process/search-path.ts";
import { applyWrites, type Write } from "./apply.ts";
import { readSkills } from "./kit-skills.ts";
import { type Ledger, ledgerText, parseLedger, partOf } from "./ledger.ts";
import { lookFor } from "./part.ts";
import {
  configHome,
  type Look,
  type Place,
  type Places,
  placesOf,
  type Scope,
  type Surroundings,
  vscodeUser,
} from "./places.ts";
import {
  dialectNotes,
  type FileChange,
  type Plan,
  planSetUp,
  planUndo,
  type Subject,
} from "./plan.ts";
import { allOf } from "./problem.ts";
import { type Client, clients, type Launch } from "./shapes.ts";
import { type Snapshot, snapshotOf } from "./snapshot.ts";
import { shortDiff } from "./text-edit.ts";

/** What a set-up needs to know of the machine. */
export interface Machine {
  readonly home: string;
  readonly stateHome: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  /** The program that runs Node, and the folder of this package. */
  readonly node: string;
  readonly packageRoot: string;
}

export interface SetupRequest {
  readonly client: Client;
  /** The work tree's top, for its shared files; undefined: the user's own. */
  readonly worktree: string | undefined;
  readonly undo: boolean;
  readonly replace: boolean;
}

/** A file as it is to be changed, for showing. */
export interface PlannedFile {
  readonly path: string;
  /** `by_hand`: the file stands in the way; this is what it lacks. */
  readonly action: "create" | "change" | "remove" | "by_hand";
  readonly roles: readonly Place["role"][];
  /** Lines with `+` or `-`. */
  readonly diff: readonly string[];
}

export interface SetupPlan {
  readonly client: Client;
  readonly scope: Scope;
  readonly files: readonly PlannedFile[];
  readonly notes: readonly string[];
  /** Why it cannot be carried out. */
  readonly problem: LandError | undefined;
  /** Carries the plan out: all of it or nothing. Throws LandError. */
  apply(signal?: AbortSignal): Promise<void>;
}

/** Looks, and plans a set-up or its undoing. Changes nothing. Throws LandError where it cannot. */
export async function planClient(request: SetupRequest, machine: Machine): Promise<SetupPlan> {
  const { client, worktree, undo, replace } = request;
  const scope: Scope = worktree === undefined ? "user" : "project";
  const around = await surroundings(machine, worktree);
  const { places, notes } = placesOf(
    client,
    scope,
    { ...around, ...launchesOf(machine, scope) },
    look,
  );
  const ledgerFile = await snapshotOf(ledgerPath(machine));
  const ledger = parseLedger(ledgerFile.text, ledgerFile.path);
  const owner = `${client}@${worktree ?? configHome(client, around)}`;
  const within = worktree === undefined ? undefined : await realpath(worktree);
  const linked = await linkedSkills(places);
  const wanted = places.filter(({ file }) => !linked.some((folder) => isBelow(file, folder)));
  const subjects = await subjectsOf(wanted, within);
  const stale = await staleSubjects(ledger, owner, subjects);
  const plan = undo
    ? planUndo({ subjects: [...subjects, ...stale], ledger, owner })
    : withStale(planSetUp({ subjects, ledger, owner }, replace), stale, owner);
  const problem = allOf(plan.problems);
  return {
    client,
    scope,
    problem,
    files: plan.changes.map(shown),
    notes: [
      ...plan.notes,
      ...linked.map((folder) => `${folder} is a link; what it leads to is left as it is.`),
      ...(undo ? [] : notes),
      ...(undo || scope === "project" ? [] : passingNote(machine)),
    ],
    apply: async (signal) => {
      if (problem !== undefined) throw problem;
      await applyWrites(writesOf(plan, ledger, ledgerFile, scope), signal);
    },
  };
}

/** What is there of a client. */
export interface SurveyedClient {
  readonly client: Client;
  /** What speaks for it being used on this machine: its folder, its program. */
  readonly found: readonly string[];
  readonly user: SetupState;
  /** Undefined outside a work tree. */
  readonly project: SetupState | undefined;
}

/** `partly`: some of it, or of another version or place. `unknown`: a file stands in the way. */
export type SetupState = "set_up" | "partly" | "none" | "unknown";

/** Looks at every client. Changes nothing. */
export async function surveyClients(
  machine: Machine,
  worktree: string | undefined,
): Promise<readonly SurveyedClient[]> {
  const around = await surroundings(machine, worktree);
  const within = worktree === undefined ? undefined : await realpath(worktree);
  const state = (client: Client, scope: Scope, inside?: string) => {
    const its = { ...around, ...launchesOf(machine, scope) };
    return stateOf(placesOf(client, scope, its, look), inside);
  };
  return Promise.all(
    clients.map(async (client) => ({
      client,
      found: foundOf(client, around, machine),
      user: await state(client, "user"),
      project: within === undefined ? undefined : await state(client, "project", within),
    })),
  );
}

interface Launches {
  readonly land: Launch;
  readonly brief: Launch;
}

/** The user's files name this very installation; a project's shared ones, whatever PATH has. */
function launchesOf({ node, packageRoot }: Machine, scope: Scope): Launches {
  const own = (name: string): Launch =>
    scope === "project"
      ? { command: name, args: [] }
      : { command: node, args: [join(packageRoot, "dist", `${name}.js`)] };
  return { land: own("land"), brief: own("agent-brief") };
}

const clientVariables = [
  "CLAUDE_CONFIG_DIR",
  "CODEX_HOME",
  "GEMINI_CLI_HOME",
  "COPILOT_HOME",
  "OPENCODE_CONFIG_DIR",
];

async function surroundings(
  machine: Machine,
  worktree: string | undefined,
): Promise<Omit<Surroundings, keyof Launches>> {
  const { home, env, platform, packageRoot } = machine;
  await requireHome(home);
  const set = Object.entries(env).filter(([, value]) => (value ?? "").trim() !== "");
  const relative = set.find(
    ([name, value]) => clientVariables.includes(name) && !isAbsolute(value ?? ""),
  );
  if (relative !== undefined) {
    throw new LandError("bad_argument", `${relative[0]} is a relative path: ${relative[1]}.`, {
      state: "Nothing was changed.",
      next: "Set it to an absolute one, or unset it.",
    });
  }
  return {
    home,
    env: Object.fromEntries(
      set.filter(([name, value]) => name !== "XDG_CONFIG_HOME" || isAbsolute(value ?? "")),
    ),
    platform,
    worktree,
    skills: await readSkills(join(packageRoot, "skills")),
  };
}

/** `npx` keeps packages in a cache of its own, which it may empty at any time. */
function passingNote({ packageRoot }: Machine): string[] {
  if (!packageRoot.includes(`${sep}_npx${sep}`)) return [];
  return [
    `This kit runs from the cache of npx (${packageRoot}), which may be emptied: install it with \`npm install --global forge-landing-kit\`, then set up again.`,
  ];
}

async function requireHome(home: string): Promise<void> {
  const found = isAbsolute(home) ? await stat(home).catch(() => undefined) : undefined;
  if (found?.isDirectory() === true) return;
  throw new LandError(
    "unsupported",
    `There is no home folder: ${home === "" ? "HOME is empty" : home}.`,
    {
      state: "Nothing was changed.",
      next: "Set HOME to your home folder, then run the same command again.",
    },
  );
}

const mostLookedAt = 4 * 1024 * 1024;

/** Only chooses between places; whatever cannot be read is told when its snapshot is taken. */
const look: Look = {
  text(path) {
    try {
      const found = statSync(path);
      return found.isFile() && found.size <= mostLookedAt ? readFileSync(path, "utf8") : undefined;
    } catch {
      return undefined;
    }
  },
};

function ledgerPath({ stateHome }: Machine): string {
  return join(forgesRoot(stateHome), "setup", "ledger.json");
}

/** Skill folders that are links, as other installers make them: what they lead to is not ours. */
async function linkedSkills(places: readonly Place[]): Promise<readonly string[]> {
  const folders = new Set(
    places.flatMap(({ file, part, role }) => {
      if (role !== "skill" || part.kind !== "whole" || !file.endsWith(`${sep}SKILL.md`)) return [];
      return [dirname(file)];
    }),
  );
  const links = await Promise.all(
    [...folders].map(async (folder) => {
      const found = await lstat(folder).catch(() => undefined);
      return found?.isSymbolicLink() === true ? [folder] : [];
    }),
  );
  return links.flat();
}

function isBelow(file: string, folder: string): boolean {
  return file.startsWith(folder + sep);
}

/** The files with what is wanted in each; several places may be one file. */
async function subjectsOf(
  places: readonly Place[],
  within: string | undefined,
): Promise<readonly Subject[]> {
  const byFile = Map.groupBy(places, ({ file }) => file);
  const seen = await Promise.all(
    [...byFile].map(async ([file, own]) => ({
      snapshot: await snapshotOf(file, within),
      places: own,
    })),
  );
  const byReal = Map.groupBy(seen, ({ snapshot }) => snapshot.real);
  return [...byReal.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [{ snapshot: first.snapshot, places: [first, ...others].flatMap((one) => one.places) }],
  );
}

/** What this owner once wrote elsewhere, such as a file that a skill no longer has. */
async function staleSubjects(
  ledger: Ledger,
  owner: string,
  subjects: readonly Subject[],
): Promise<readonly Subject[]> {
  const files = Object.entries(ledger.files).filter(
    ([file, { parts }]) =>
      Object.values(parts).some(({ owners }) => owners.includes(owner)) &&
      subjects.every(({ snapshot }) => snapshot.real !== file),
  );
  const found = await Promise.all(
    files.map(async ([file, { parts }]): Promise<Subject[]> => {
      const snapshot: Snapshot | undefined = await snapshotOf(file).catch(() => undefined);
      const own = Object.values(parts).filter(({ owners }) => owners.includes(owner));
      const role = own.some(({ kind }) => kind === "whole") ? "skill" : "instructions";
      const places = own.map((part): Place => ({ file, role, part: partOf(part) }));
      return snapshot === undefined ? [] : [{ snapshot, places }];
    }),
  );
  return found.flat();
}

function withStale(plan: Plan, stale: readonly Subject[], owner: string): Plan {
  const dropped = planUndo({ subjects: stale, ledger: plan.ledger, owner });
  return {
    changes: [...plan.changes, ...dropped.changes],
    ledger: dropped.ledger,
    notes: [...plan.notes, ...dropped.notes],
    problems: [...plan.problems, ...dropped.problems],
  };
}

function shown({ snapshot, roles, after, byHand }: FileChange): PlannedFile {
  const written = snapshot.bytes === undefined ? "create" : "change";
  const action = byHand === true ? "by_hand" : after === undefined ? "remove" : written;
  return { path: snapshot.path, action, roles, diff: shortDiff(snapshot.text, after ?? "") };
}

/** All files, then the ledger; the ledger alone where only owners changed. */
function writesOf(plan: Plan, before: Ledger, file: Snapshot, scope: Scope): readonly Write[] {
  const mode = scope === "user" ? 0o600 : 0o644;
  const writes = plan.changes.map(
    ({ snapshot, after, folders }): Write => ({ snapshot, after, mode, folders }),
  );
  const text = ledgerText(plan.ledger);
  if (text === ledgerText(before)) return writes;
  const empty = Object.keys(plan.ledger.files).length === 0;
  const after = empty ? undefined : text;
  if (empty && file.bytes === undefined) return writes;
  return [
    ...writes,
    { snapshot: file, after, mode: 0o600, folders: empty ? [dirname(file.real)] : [] },
  ];
}

async function stateOf({ places }: Places, within?: string): Promise<SetupState> {
  try {
    const subjects = await subjectsOf(places, within);
    const states = subjects.flatMap(({ snapshot, places: own }) => {
      dialectNotes({ snapshot, places: own });
      return own.map(({ part }) =>
        snapshot.bytes === undefined ? "none" : lookFor(part, snapshot.text).state,
      );
    });
    if (states.every((state) => state === "same")) return "set_up";
    return states.some((state) => state === "same" || state === "ours") ? "partly" : "none";
  } catch {
    return "unknown";
  }
}

const programs: Readonly<Record<Client, readonly string[]>> = {
  "claude-code": ["claude"],
  codex: ["codex"],
  gemini: ["gemini"],
  copilot: ["copilot"],
  cursor: ["cursor", "cursor-agent"],
  vscode: ["code"],
  opencode: ["opencode"],
};

function foundOf(
  client: Client,
  around: Omit<Surroundings, keyof Launches>,
  { env }: Machine,
): readonly string[] {
  const folder = client === "vscode" ? vscodeUser(around) : configHome(client, around);
  const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  const onPath = programs[client].flatMap((name) => programIn(env.PATH, name) ?? []);
  return [...(isThere ? [folder] : []), ...onPath];
}
