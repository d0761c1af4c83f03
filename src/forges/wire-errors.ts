import { type ErrorAnswer, errorAnswer, wireErrorCodes } from "../contract/errors.ts";
import { type ErrorCode, LandError } from "../domain/errors.ts";
import { sentence } from "../text/sentence.ts";
import type { Exchange, NoAnswer } from "./exchange.ts";
import { plainWords } from "./plain-words.ts";

/** What was asked, for the words of an error. `forge` is its address. */
export interface Asked {
  readonly forge: string;
  readonly method: string;
  readonly path: string;
  /** The token that went with it; an answer may repeat it, and no words of ours do. */
  readonly token?: string | undefined;
}

interface Advice {
  readonly state: string;
  readonly next: string;
}

/** `what` happened, for an answer that does not say it in words of the forge's own code. */
interface Known extends Advice {
  readonly what: string;
}

const unchanged = "Nothing was changed.";

/** What to know and do for each code that an answer may carry; our words, never the forge's. */
const known: Readonly<Partial<Record<ErrorCode, Known>>> = {
  branch_not_open: {
    what: "The branch is merged or closed already",
    state: unchanged,
    next: "Look at its status; push the branch again to open a new record.",
  },
  branch_gone: {
    what: "The branch no longer exists on the forge",
    state: unchanged,
    next: "Push the branch again if it is still wanted.",
  },
  head_moved: {
    what: "The forge has another head for this branch",
    state: unchanged,
    next: "Look at the branch's status, then ask again with its current head.",
  },
  ci_not_green: {
    what: "CI is not green for this head",
    state: unchanged,
    next: "Wait for CI; if it failed, read the lane's log, fix, commit and land again.",
  },
  ci_changed: {
    what: "The head removes or changes lanes of the target's manifest",
    state: unchanged,
    next: "Ask the owner to agree (`land merge --force --reason WHY`, at a terminal), or put the lanes back.",
  },
  target_moved: {
    what: "The target has commits that this head does not contain",
    state: unchanged,
    next: "Rebase onto the target, push, wait for CI and ask again; landing does all of it.",
  },
  target_moved_outside: {
    what: "The target was moved by hand",
    state: `${unchanged} Landing stands still for everybody.`,
    next: "The owner decides at a terminal: `land target accept` keeps the new value, `land target restore` puts back the forge's own.",
  },
  mirror_diverged: {
    what: "People merged at the mirror what the forge does not have, and the forge has what the mirror lacks",
    state: unchanged,
    next: "Either the owner puts the mirror's target back by a push there, or a branch that merges the mirror's target is landed here.",
  },
  merge_conflict: {
    what: "The head conflicts with the target",
    state: unchanged,
    next: "Rebase onto the target, solve the conflict, push and land again.",
  },
  force_refused: {
    what: "This key may not force a merge",
    state: unchanged,
    next: "Only the owner may force, at a terminal; otherwise make CI green.",
  },
  unrelated_histories: {
    what: "Branch and target share no commit",
    state: unchanged,
    next: "Make the branch anew from the target.",
  },
  storage_failed: {
    what: "The forge cannot write its state",
    state:
      "Nothing is half done: what was begun the forge brings to an end once it can write again.",
    next: "Whoever runs the forge frees space or makes its state folder writable (`land doctor` looks at it); then ask again.",
  },
  unauthorized: {
    what: "The forge did not accept the login",
    state: unchanged,
    next: "Run `land login`; for a local forge run `land init`, then try again.",
  },
  forbidden: {
    what: "The forge does not allow that to this key",
    state: unchanged,
    next: "Ask the forge's owner for the right, or use a key that has it (`land whoami` shows yours).",
  },
  bad_argument: {
    what: "The forge could not take what it was asked",
    state: unchanged,
    next: "Correct what the answer names; a cursor is the `next_cursor` of the page before.",
  },
  not_found: {
    what: "The forge does not know what it was asked for",
    state: unchanged,
    next: "Check the branch's name or number; `land status` shows what the forge knows.",
  },
};

export const whereRunsAre = "`branch_status` names the newest runs and lane runs of a branch.";
export const whereNightliesAre =
  "`land nightly`, or the forge's page, lists the newest nightlies; `land nightly NUMBER` names the lanes of one.";

/** What a 404's words mean, and where to look for what they name; the reference says the same. */
const missing: ReadonlyMap<string, { readonly what: string; readonly next: string }> = new Map([
  [
    "branch run not found",
    {
      what: "The forge knows no such run of this branch",
      next: `Check the branch and the run's number; ${whereRunsAre}`,
    },
  ],
  [
    "branch lane not found",
    {
      what: "The forge knows no such lane run of this branch",
      next: `Check the branch and the lane run's number; ${whereRunsAre}`,
    },
  ],
  [
    "nightly run not found",
    {
      what: "The forge knows no such nightly",
      next: `Check the nightly's number; ${whereNightliesAre}`,
    },
  ],
  [
    "nightly lane not found",
    {
      what: "The forge knows no such lane run of this nightly",
      next: `Check the nightly and the lane run's number; ${whereNightliesAre}`,
    },
  ],
]);

/** Codes of the wire that are codes of ours by the same name. */
const sameName = new Set<string>(wireErrorCodes.filter((code) => code !== "draining"));

/** What the reference's words for a 409 mean; it sends no codes. */
const referenceWords: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^only open branches can be /, "branch_not_open"],
  [/^branch ref no longer exists|^branch `.*` no longer exists/s, "branch_gone"],
  [/^branch head changed/, "head_moved"],
  [/^publish merge branch `/, "target_moved"],
  [/^delete branch `/, "head_moved"],
  [/^merge branch `/, "merge_conflict"],
];

/**
 * Turns an answer that is no success into a LandError. It says what happened first; where, and with
 * which status, only where that helps: the forge's own refusals are clear without. Pure.
 */
export function errorOfAnswer(asked: Asked, answer: Exchange): LandError {
  const body = readError(answer.text);
  const code = codeOf(answer, body);
  const secrets = asked.token === undefined ? [] : [asked.token];
  const said = plainWords(body?.error ?? wordsOf(answer.text), 300, secrets);
  const where = `(status ${answer.status}, ${whereOf(asked)})`;
  return new LandError(code, sentence(wordsFor({ asked, code, answer, body, said, where })), {
    ...adviceFor(asked, code, answer.status, body),
    facts: factsOf(answer.status, body, secrets),
  });
}

interface Told {
  readonly asked: Asked;
  readonly code: ErrorCode;
  readonly answer: Exchange;
  readonly body: ErrorAnswer | undefined;
  /** The answer's own words, fit to be shown. */
  readonly said: string;
  readonly where: string;
}

/** What happened, with the forge's words where it has any. */
function wordsFor({ asked, code, answer, body, said, where }: Told): string {
  const because = said === "" ? "" : `: ${said}`;
  const { status } = answer;
  if (status >= 300 && status < 400) {
    const secrets = asked.token === undefined ? [] : [asked.token];
    return `The forge's address leads on to ${redirectGoal(answer.location, secrets)} ${where}`;
  }
  if (body?.code === "draining") return `The forge is about to stop${because}`;
  // A forge that refuses with a code of its own says all there is to say.
  if (body?.code === code && said !== "" && status < 500) return `The forge refused: ${said}`;
  const gone = missingIn(code, body);
  if (gone !== undefined) return gone.what;
  const what = known[code]?.what;
  if (what !== undefined) return said === "" ? `${what} ${where}` : `${what}${because}`;
  if (status === 410) return `There is no forge at ${asked.forge} any more${because}`;
  if (isPassing(status)) return `The forge cannot answer now ${where}${because}`;
  if (status === 404) return `There is no such endpoint ${where}${because}`;
  if (status === 409 && said !== "") return `The forge refused${because}`;
  return `The forge failed ${where}${because}`;
}

function missingIn(code: ErrorCode, body: ErrorAnswer | undefined) {
  return code === "not_found" ? missing.get(body?.error ?? "") : undefined;
}

function whereOf({ method, path, forge }: Asked): string {
  return `${method} ${path} at ${forge}`;
}

/** Turns a request without an answer into a LandError. `mayHaveActed`: it was to change something. */
export function errorOfSilence(asked: Asked, why: NoAnswer, mayHaveActed: boolean): LandError {
  if (why.reason === "cancelled") {
    return new LandError("cancelled", "The request to the forge was cancelled.", {
      state: mayHaveActed ? outcomeUnknown : unchanged,
      next: "Ask again; what was done already is noticed.",
    });
  }
  const sent = why.reason !== "unreachable";
  return new LandError(
    why.reason === "timed_out" ? "timed_out" : "forge_unreachable",
    sent
      ? `The forge gave no answer to ${whereOf(asked)}: ${why.message}.`
      : `The forge at ${asked.forge} cannot be reached: ${why.message}.`,
    {
      state: mayHaveActed && sent ? outcomeUnknown : unchanged,
      next: "Ask again; `land doctor` tells what keeps the forge from answering.",
      cause: why,
    },
  );
}

/** A success that is not what the contract says. */
export function errorOfShape(asked: Asked, detail: string): LandError {
  return new LandError(
    "forge_error",
    `The answer to ${whereOf(asked)} is not what a forge answers: ${plainWords(detail, 200)}.`,
    {
      state: "Whether the request was carried out is not known.",
      next: "Check the address of the forge, and that forge and kit are of versions that fit.",
    },
  );
}

const outcomeUnknown = "Whether the forge carried it out is not known.";

/** Answers that say: not me, not now. */
export function isPassing(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** Whether an answer says that the forge is about to stop and takes nothing more. */
export function isDraining(answer: Exchange): boolean {
  return answer.status >= 400 && readError(answer.text)?.code === "draining";
}

/** A proxy's page says nothing that its status does not. */
function wordsOf(text: string): string {
  return /^\s*</.test(text) ? "" : text.slice(0, 2000);
}

function readError(text: string): ErrorAnswer | undefined {
  try {
    return errorAnswer.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function codeOf({ status, text }: Exchange, body: ErrorAnswer | undefined): ErrorCode {
  if (body?.code !== undefined && sameName.has(body.code)) return body.code as ErrorCode;
  if (body?.code === "draining" || isPassing(status)) return "forge_unreachable";
  if (status === 400) return "bad_argument";
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  // An endpoint says in words what it does not know; nothing at all says that there is none.
  if (status === 404) return text.trim() === "" ? "forge_error" : "not_found";
  if (status === 409) {
    const words = body?.error ?? "";
    return referenceWords.find(([pattern]) => pattern.test(words))?.[1] ?? "forge_error";
  }
  return "forge_error";
}

function adviceFor(
  asked: Asked,
  code: ErrorCode,
  status: number,
  body: ErrorAnswer | undefined,
): Advice {
  if (body?.code === "draining") {
    return {
      state: `${unchanged} The forge finishes its running lanes and then stops.`,
      next: "Ask again shortly; the forge starts anew by itself.",
    };
  }
  const gone = missingIn(code, body);
  if (gone !== undefined) return { state: unchanged, next: gone.next };
  const ours = known[code];
  if (ours !== undefined) return { state: ours.state, next: ours.next };
  if (isPassing(status)) {
    // A proxy that gave up waiting does not know what the forge behind it did.
    const state = asked.method === "GET" || status === 503 ? unchanged : outcomeUnknown;
    return { state, next: "Ask again shortly; the forge or its proxy is not ready." };
  }
  if (status === 404) {
    return {
      state: unchanged,
      next: "Check the forge's address: it is its own, without a page's path at its end.",
    };
  }
  if (status === 410) {
    return {
      state: unchanged,
      next: "Use the address that the forge has now (`land login --base-url URL`).",
    };
  }
  if (status >= 300 && status < 400) {
    return {
      state: "Redirects are not followed, so that a login never reaches another host.",
      next: "Use the forge's own address (`land login --base-url URL`).",
    };
  }
  if (status === 409) {
    return {
      state: unchanged,
      next: "Asking again changes nothing as things are; do what the refusal names.",
    };
  }
  return {
    state: "The forge did not do what was asked.",
    next: "Ask again; if it stays so, look at the forge's own log.",
  };
}

function redirectGoal(location: string | undefined, secrets: readonly string[]): string {
  return location === undefined ? "nowhere" : plainWords(location, 200, secrets);
}

function factsOf(
  status: number,
  body: ErrorAnswer | undefined,
  secrets: readonly string[],
): Record<string, unknown> {
  const facts: Record<string, unknown> = { status };
  if (body === undefined) return facts;
  if (body.files !== undefined) facts.files = listed(body.files, secrets);
  if (body.lanes !== undefined) facts.lanes = listed(body.lanes, secrets);
  if (isSha(body.head_sha)) facts.head = body.head_sha;
  if (isSha(body.target_sha)) facts.target = body.target_sha;
  return facts;
}

function listed(names: readonly string[], secrets: readonly string[]): string[] {
  return names.slice(0, 200).map((name) => plainWords(name, 500, secrets));
}

function isSha(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{40}$/.test(text);
}
