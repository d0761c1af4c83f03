import { access, constants, realpath, stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { isPrivate } from "../domain/private-file.ts";
import type { MirrorState } from "../forges/forge-mirror.ts";
import { seenRunning } from "../forges/open.ts";
import { plainWords } from "../forges/plain-words.ts";
import { withSignal } from "../forges/with-signal.ts";
import type { Git } from "../git/git.ts";
import type { KnownForge } from "../local/find-forge.ts";
import { keyFile } from "../local/layout.ts";
import type { Sight } from "../local/process.ts";
import type { ForgeSettings } from "../local/settings.ts";
import { type Check, missing, note, ok, wordsOf } from "./check.ts";

type Mirror = NonNullable<ForgeSettings["mirror"]>;

interface Place {
  readonly forge: KnownForge;
  /** The look at the forge's process that is under way. */
  readonly looking: Promise<Sight>;
  /** In the work tree. */
  readonly git: Git;
  readonly commonDir: string;
  /** How long the forge may take to tell. */
  readonly deadlineMs?: number | undefined;
}

const usualDeadlineMs = 5_000;
const mostWords = 400;
const refsShown = 3;

/**
 * What can be seen of the forge's mirror; nothing where it has none. Unless it stops landing nothing is
 * worse than a note: a mirror's trouble is its host's as often as this machine's. Starts nothing, and
 * never waits for long.
 */
export async function checkMirror(place: Place, signal: AbortSignal): Promise<Check[]> {
  const { mirror } = place.forge.settings;
  if (mirror === null) return [];
  const parts = await Promise.all([
    ok("mirror", shown(mirror, mirror.url)),
    checkInterval(mirror),
    checkToken(mirror, place, signal),
    checkStanding(mirror, place, signal),
  ]);
  return parts.flat();
}

/** One line for people, the mirror's token masked. */
function shown({ token }: Mirror, words: string): string {
  return plainWords(words, mostWords, token === null ? [] : [token]);
}

function checkInterval({ intervalSeconds, import: isImported }: Mirror): Check {
  const name = "mirror interval";
  const also = isImported ? "; what people merge there is taken over with it" : "";
  return intervalSeconds > 0
    ? ok(name, `pushed to every ${intervalSeconds} s and after each merge${also}`)
    : note(name, `0: pushed to by hand alone${also}`, "`land mirror sync` pushes.");
}

async function checkToken(mirror: Mirror, place: Place, signal: AbortSignal): Promise<Check[]> {
  const name = "mirror token";
  const { token, tokenFile, tokenEnv } = mirror;
  const isNamed = token !== null || tokenFile !== null || tokenEnv !== null;
  if (!/^https?:/i.test(mirror.url)) {
    return isNamed ? [note(name, "not used: this address is not of HTTP")] : [];
  }
  if (token !== null) return [ok(name, "in forge.json")];
  if (tokenFile !== null) return checkTokenFile(tokenFile, place, signal);
  if (tokenEnv !== null) {
    return [note(name, `in the forge's variable ${tokenEnv}, which cannot be seen from here`)];
  }
  const next = "`land mirror set URL --token-file FILE` names one, if the host asks for a login.";
  return [note(name, "none: pushes go without a login", next)];
}

async function checkTokenFile(
  file: string,
  { forge, git, commonDir }: Place,
  signal: AbortSignal,
): Promise<Check[]> {
  const name = "mirror token";
  const path = plainWords(file, mostWords);
  const renew = "`land mirror set URL --token-file FILE` names another.";
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(file);
  } catch (error) {
    if (isUnseen(error) || file.startsWith("/run/credentials/")) {
      return [note(name, `${path} cannot be seen by this user`)];
    }
    return [note(name, `${path} is not there`, `Put it there with mode 0600; ${renew}`)];
  }
  if (!found.isFile()) return [note(name, `${path} is no file`, renew)];
  const notes: Check[] = [];
  const holders = [commonDir, forge.layout.repositoryDir, ...(await workTrees(git, signal))];
  if (await liesBelow(file, holders)) {
    const why = "so that a commit or a lane may take it along";
    const next = `Move it out, such as to ${forge.layout.stateDir}; ${renew}`;
    notes.push(note(name, `${path} lies in the repository, ${why}`, next));
  }
  if (!isPrivate(found, process.geteuid?.())) {
    const next = `Run \`chmod 600 ${path}\`; until then the forge refuses it.`;
    notes.push(note(name, `${path} can be read or changed by others`, next));
  }
  if (found.size === 0) notes.push(note(name, `${path} is empty`, "Put the token into it."));
  if (notes.length > 0) return notes;
  return (await isReadable(file))
    ? [ok(name, `${path}, readable by its owner alone, outside the repository`)]
    : [note(name, `${path} cannot be read by this user`)];
}

function isReadable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

function isUnseen(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EACCES" || code === "EPERM";
}

/** The tops of all work trees of the repository; the one that git is asked in, where it is silent. */
async function workTrees(git: Git, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const { stdout } = await git.run({ args: ["worktree", "list", "--porcelain", "-z"] }, signal);
    const prefix = "worktree ";
    const named = stdout.split("\0").filter((field) => field.startsWith(prefix));
    return named.map((field) => field.slice(prefix.length));
  } catch {
    return [git.place.dir];
  }
}

/** Whether a file, or what it links to, lies in one of the folders. */
async function liesBelow(file: string, folders: readonly string[]): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => path);
  const [named, linked] = [`${await real(dirname(file))}${sep}`, await real(file)];
  const tops = (await Promise.all(folders.map(real))).map((top) => top + sep);
  return tops.some((top) => named.startsWith(top) || linked.startsWith(top));
}

/** How pushes went, in the words of a forge that runs. */
async function checkStanding(mirror: Mirror, place: Place, signal: AbortSignal): Promise<Check> {
  const name = "mirror state";
  const sight = await place.looking;
  if (sight.state === "absent") {
    return note(name, "not known while the forge does not run", "`land mirror status` starts it.");
  }
  if (sight.state === "silent") return note(name, "not known: the forge does not answer");
  if (!(await isReadable(keyFile(place.forge.layout, "owner")))) {
    const next = "`land mirror status`, where that key is, tells.";
    return note(name, "not asked: only the owner's key may, and it cannot be read here", next);
  }
  const deadline = AbortSignal.timeout(place.deadlineMs ?? usualDeadlineMs);
  const either = AbortSignal.any([signal, deadline]);
  try {
    const asked = seenRunning(place.forge, sight.origin, "owner").mirror?.status(either);
    const state = asked === undefined ? undefined : await withSignal(asked, either);
    if (state?.remote === undefined) return note(name, "the forge that runs knows of no mirror");
    return judgeMirror(mirror, state);
  } catch (error) {
    const why = deadline.aborted ? "the forge did not say in time" : shown(mirror, wordsOf(error));
    return note(name, `not known: ${why}`, "`land mirror status` asks again.");
  }
}

/** How a mirror stands, as a forge told it, and the next step. Pure. */
export function judgeMirror(mirror: Mirror, state: MirrorState): Check {
  const name = "mirror state";
  const { lagging, lastSuccessAt, problem } = state;
  const since = `last success: ${lastSuccessAt ?? "none"}`;
  if (problem !== undefined) {
    const isDiverged = problem.kind === "diverged";
    const stops = isDiverged && mirror.import;
    const stop = stops ? ", and landing stands still" : "";
    const what = isDiverged ? `diverged${stop}` : "last push failed";
    const facts = `${problem.kind}, ${state.failures}×; ${lagWords(state)}; ${since}`;
    const words = shown(mirror, `${what} (${facts}): ${problem.words}`);
    return (stops ? missing : note)(name, words, nextFor(problem.kind, mirror));
  }
  if (state.history.length === 0) {
    return note(name, "nothing was pushed yet", "`land mirror sync` pushes now.");
  }
  if (state.state === "active") return ok(name, `a push is under way; ${since}`);
  const words = shown(mirror, `${lagWords(state)}; ${since}`);
  return lagging === 0 ? ok(name, words) : note(name, words, "`land mirror sync` pushes now.");
}

function lagWords({ lagging, laggingRefs }: MirrorState): string {
  if (lagging === undefined) return "its lag is not known";
  if (lagging === 0) return "nothing lags";
  const named = laggingRefs.slice(0, refsShown);
  const some = [...named, ...(lagging > named.length ? ["…"] : [])].join(", ");
  return `${lagging === 1 ? "1 ref lags" : `${lagging} refs lag`} (${some})`;
}

const sync = "then `land mirror sync`.";
const nextByKind: ReadonlyMap<string, string> = new Map(
  Object.entries({
    auth: `Give the forge a login that the mirror takes: a token for HTTP, else a key of its user; ${sync}`,
    config: `Correct the mirror's address or token (\`land mirror set\`), ${sync}`,
    rejected: `Settle at the mirror's host what it declines, ${sync}`,
    timeout: `Give it longer (\`land mirror set URL --timeout SECONDS\`), ${sync}`,
  }),
);

function nextFor(kind: string, { intervalSeconds, import: isImported }: Mirror): string {
  if (kind === "diverged") {
    return isImported
      ? `Land a branch that merges the mirror's target, or the owner puts that back by a push there, ${sync}`
      : `Put the mirror's target back by a push there, or take over what people merge there (\`land mirror set URL --import\`), ${sync}`;
  }
  const again =
    intervalSeconds > 0
      ? "It is tried again by itself; `land mirror status` tells of it."
      : "`land mirror sync` tries again.";
  return nextByKind.get(kind) ?? again;
}
