import { isLandError } from "../../domain/errors.ts";
import type { Git, GitAnswer } from "../../git/git.ts";
import { parsePush, remoteWords } from "../../git/push.ts";
import { oneLine } from "../../text/control.ts";
import { maskSecrets } from "../../text/mask.ts";
import type { MirrorLogin } from "./address.ts";
import { failureKindOf, MirrorFailure, type MirrorFailureKind } from "./failure.ts";
import {
  agreementChanges,
  lagOf,
  type MirrorPush,
  type MirrorView,
  parseRefs,
  planMirror,
  type Refs,
} from "./plan.ts";

export interface AttemptParts {
  /** The canonical repository, in an environment that keeps to itself. */
  readonly git: Git;
  readonly url: string;
  /** Full name of the target's ref. */
  readonly target: string;
  readonly login: MirrorLogin;
  /** For all of it together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly agreed: Refs;
  readonly tried: MirrorView["tried"];
  /** Is told what is about to be pushed, by full name, so that it is known however that ends. */
  readonly noteTried: (pushed: Refs) => void;
  /** Takes over what others merged there, before anything is pushed. Undefined: nobody does. */
  readonly importTarget?: ((look: TargetLook) => Promise<void>) | undefined;
}

/** The target on both sides, and the way to ask git for more under the same deadline and login. */
export interface TargetLook {
  readonly local: string | undefined;
  readonly remote: string | undefined;
  readonly ask: Ask;
}
export type Ask = (args: readonly string[], answers?: readonly number[]) => Promise<GitAnswer>;

export interface AttemptEnd {
  readonly failure: { readonly kind: MirrorFailureKind; readonly words: string } | null;
  /** What both sides have at the end; null where the mirror could not be asked. */
  readonly view: MirrorView | null;
  readonly lagging: readonly string[] | null;
  readonly synced: number | null;
  readonly agreement: ReadonlyMap<string, string | null>;
}

/** A command line has an end, and one ref that cannot be pushed keeps back those beside it. */
const refsPerPush = 200;
/** Enough to find a few protected refs among hundreds; a mirror may decline everything. */
const mostSplits = 24;
const maxWords = 2000;

/**
 * Looks at both sides, pushes what is to be pushed and looks again. Never throws for what git or
 * the mirror do; an attempt that was cut off leaves each ref as it was or as it is to be.
 */
export async function attemptPush(parts: AttemptParts): Promise<AttemptEnd> {
  const ask = askerOf(parts);
  let view: MirrorView | null = null;
  let failure: AttemptEnd["failure"] = null;
  try {
    view = await look(parts, ask);
    if (parts.importTarget !== undefined) {
      const { local, remote } = view;
      await parts.importTarget({
        local: local.get(parts.target),
        remote: remote.get(parts.target),
        ask,
      });
      view = { ...view, local: await localRefs(ask) };
    }
    const plan = planMirror(view);
    const problems: Untaken[] = plan.refused.map(({ ref, why }) => ({ ref, why }));
    parts.noteTried(newValues(plan.pushes));
    const patience = { splits: mostSplits };
    for (const batch of batchesOf(plan.pushes, parts.target)) {
      problems.push(...(await pushApart(parts, ask, batch, patience)));
    }
    if (plan.pushes.length > 0) view = await look(parts, ask);
    failure = failureOf(problems, parts.target);
  } catch (error) {
    failure = failureFrom(error);
  }
  return endOf(parts, view, failure);
}

function endOf(
  { login }: AttemptParts,
  view: MirrorView | null,
  failure: AttemptEnd["failure"],
): AttemptEnd {
  const lag = view === null ? null : lagOf(view);
  return {
    failure: failure === null ? null : { ...failure, words: shown(failure.words, login.secrets) },
    view,
    lagging: lag?.lagging ?? null,
    synced: lag?.synced ?? null,
    agreement: view === null ? new Map() : agreementChanges(view),
  };
}

/** Much of it comes from the mirror, which may say anything. */
function shown(words: string, secrets: readonly string[]): string {
  return oneLine(maskSecrets(words, secrets)).slice(0, maxWords);
}

function askerOf({ git, login, timeoutMs, signal }: AttemptParts): Ask {
  const deadline = performance.now() + timeoutMs;
  return async (args, answers = [0]) => {
    const left = Math.max(1, Math.ceil(deadline - performance.now()));
    const call = { args, answers, env: login.env, timeoutMs: left };
    return git.run(call, signal);
  };
}

async function look({ url, target, agreed, tried }: AttemptParts, ask: Ask): Promise<MirrorView> {
  // A host may have far more refs of other kinds, such as two for each pull request.
  const kinds = ["--heads", "--tags", "--refs"];
  const { stdout } = await ask(["ls-remote", "--quiet", ...kinds, "--", url]);
  return { target, agreed, tried, remote: parseRefs(stdout), local: await localRefs(ask) };
}

async function localRefs(ask: Ask): Promise<Refs> {
  // A symbolic ref is another name for something that is listed itself.
  const format = "--format=%(if)%(symref)%(then)%(else)%(objectname)%09%(refname)%(end)";
  const { stdout } = await ask(["for-each-ref", format, "refs/heads/", "refs/tags/"]);
  const refs = parseRefs(stdout);
  return new Map([...refs].filter(([ref]) => !ref.includes("\ufffd")));
}

/** The target alone and first, so that no other ref keeps it back. */
function batchesOf(pushes: readonly MirrorPush[], target: string): readonly MirrorPush[][] {
  const first = pushes.filter(({ ref }) => ref === target);
  const rest = pushes.filter(({ ref }) => ref !== target);
  const batches = first.length === 0 ? [] : [first];
  for (let at = 0; at < rest.length; at += refsPerPush) {
    batches.push(rest.slice(at, at + refsPerPush));
  }
  return batches;
}

function newValues(pushes: readonly MirrorPush[]): Refs {
  return new Map(pushes.flatMap(({ ref, to }) => (to === null ? [] : [[ref, to] as const])));
}

/** A ref that the mirror did not take. */
interface Untaken {
  readonly ref: string;
  /** In git's words. */
  readonly why: string;
  /** In the mirror's own words, where it said any. */
  readonly said?: string | undefined;
}

/**
 * Pushes some refs and answers which were refused. A hook of the mirror may decline
 * a push as a whole for one protected ref: halves of it are tried until only that one is left.
 */
async function pushApart(
  parts: AttemptParts,
  ask: Ask,
  pushes: readonly MirrorPush[],
  patience: { splits: number },
): Promise<readonly Untaken[]> {
  const problems = await pushRefs(parts, ask, pushes);
  const declined = problems.filter(({ why }) => /hook declined/.test(why)).length;
  if (declined < pushes.length || pushes.length === 1 || patience.splits === 0) return problems;
  patience.splits -= 1;
  const half = pushes.length >> 1;
  return [
    ...(await pushApart(parts, ask, pushes.slice(0, half), patience)),
    ...(await pushApart(parts, ask, pushes.slice(half), patience)),
  ];
}

async function pushRefs(
  { url }: AttemptParts,
  ask: Ask,
  pushes: readonly MirrorPush[],
): Promise<readonly Untaken[]> {
  const leases = pushes.flatMap(({ ref, lease }) =>
    lease === null ? [] : [`--force-with-lease=${ref}:${lease}`],
  );
  const { stdout, stderr } = await ask(
    [
      "push",
      "--porcelain",
      "--no-verify",
      "--no-signed",
      "--no-follow-tags",
      ...leases,
      "--",
      url,
      ...pushes.map(({ ref, to }) => `${to ?? ""}:${ref}`),
    ],
    // 1 where some refs were refused, which the answer names.
    [0, 1],
  );
  const told = new Map(parsePush(stdout).map((pushed) => [pushed.to, pushed]));
  if (told.size === 0) {
    // It never came as far as refs.
    throw new MirrorFailure(
      failureKindOf({ code: "git_failed", said: stderr }),
      `git push failed: ${stderr.trim() || "it said nothing"}`,
    );
  }
  const said = remoteWords(stderr);
  return pushes.flatMap(({ ref }) => {
    const pushed = told.get(ref);
    if (pushed === undefined) return [{ ref, why: "git did not say what became of it" }];
    return pushed.flag === "!" ? [{ ref, why: pushed.summary, said }] : [];
  });
}

const shownProblems = 10;

function failureOf(problems: readonly Untaken[], target: string): AttemptEnd["failure"] {
  if (problems.length === 0) return null;
  const ofTarget = problems.find(({ ref }) => ref === target);
  const diverged = /fetch first|non-fast-forward/i.test(ofTarget?.why ?? "");
  const rest = problems.length - shownProblems;
  const first = problems.slice(0, shownProblems).map(({ ref, why }) => `${ref}: ${why}`);
  const said = problems.find((problem) => problem.said !== undefined)?.said;
  const listed =
    first.join("; ") +
    (rest > 0 ? `; ${rest} more` : "") +
    (said === undefined ? "" : `. It said: ${said}`);
  return diverged
    ? {
        kind: "diverged",
        words:
          `The mirror's target has commits that the forge lacks, and is never overwritten. ` +
          `Bring the mirror's target back yourself, or turn import on. ${listed}`,
      }
    : { kind: "rejected", words: `The mirror did not take all refs. ${listed}` };
}

function failureFrom(error: unknown): NonNullable<AttemptEnd["failure"]> {
  if (error instanceof MirrorFailure) return { kind: error.kind, words: error.message };
  const words = error instanceof Error ? error.message : String(error);
  if (!isLandError(error)) return { kind: "transient", words };
  const { stderr, stdout } = error.facts;
  const said = [stderr, stdout].filter((text) => typeof text === "string").join("\n");
  return { kind: failureKindOf({ code: error.code, said: said || words }), words };
}
