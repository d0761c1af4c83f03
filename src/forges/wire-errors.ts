import { type ErrorAnswer, errorAnswer, wireErrorCodes } from "../contract/errors.ts";
import { type ErrorCode, LandError } from "../domain/errors.ts";
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

const unchanged = "Nothing was changed.";

/** What to know and do for each code that an answer may carry; our words, never the forge's. */
const advice: Readonly<Partial<Record<ErrorCode, Advice>>> = {
  branch_not_open: {
    state: `${unchanged} The branch is merged or closed already.`,
    next: "Look at its status; push the branch again to open a new record.",
  },
  branch_gone: {
    state: `${unchanged} The branch no longer exists on the forge.`,
    next: "Push the branch again if it is still wanted.",
  },
  head_moved: {
    state: `${unchanged} The forge has another head for this branch.`,
    next: "Look at the branch's status, then ask again with its current head.",
  },
  ci_not_green: {
    state: `${unchanged} No successful run exists for exactly this head.`,
    next: "Wait for CI; if it failed, read the lane's log, fix, commit and land again.",
  },
  ci_changed: {
    state: `${unchanged} The head removes or changes lanes of the target's manifest.`,
    next: "Ask the owner to agree (`land merge --force --reason WHY`, at a terminal), or restore the lanes.",
  },
  target_moved: {
    state: `${unchanged} The target has commits that this head does not contain.`,
    next: "Rebase onto the target, push, wait for CI and ask again; landing does all of it.",
  },
  target_moved_outside: {
    state: `${unchanged} The target was moved by hand, so landing stands still for everybody.`,
    next: "The owner decides at a terminal: `land target accept` keeps the new value, `land target restore` puts back the forge's own.",
  },
  mirror_diverged: {
    state: `${unchanged} People merged at the mirror what the forge does not have, and the forge has what the mirror lacks.`,
    next: "Either the owner puts the mirror's target back by a push there, or a branch that merges the mirror's target is landed here.",
  },
  merge_conflict: {
    state: `${unchanged} The head does not merge with the target.`,
    next: "Rebase onto the target, solve the conflict, push and land again.",
  },
  force_refused: {
    state: unchanged,
    next: "Only the owner may force, at a terminal; otherwise make CI green.",
  },
  unrelated_histories: {
    state: `${unchanged} Branch and target share no commit.`,
    next: "Make the branch anew from the target.",
  },
  storage_failed: {
    state:
      "Nothing is half done: what was begun the forge brings to an end once it can write again.",
    next: "Whoever runs the forge frees space or makes its state folder writable (`land doctor` looks at it); then ask again.",
  },
  unauthorized: {
    state: "The forge did not accept the login.",
    next: "Run `land login`; for a local forge run `land init`, then try again.",
  },
  forbidden: {
    state: unchanged,
    next: "Ask the forge's owner for the right, or use a key that has it (`land whoami` shows yours).",
  },
  bad_argument: {
    state: unchanged,
    next: "Correct what the answer names; a cursor is the `next_cursor` of the page before.",
  },
  not_found: {
    state: unchanged,
    next: "Check the branch's name or number; `land status` shows what the forge knows.",
  },
};

export const whereRunsAre = "`branch_status` names the newest runs and lane runs of a branch.";
export const whereNightliesAre =
  "`land nightly`, or the forge's page, lists the newest nightlies; `land nightly NUMBER` names the lanes of one.";

/** Where to look for what a 404 names that is no branch; the reference says the same. */
const missing: ReadonlyMap<string, string> = new Map([
  ["branch run not found", `Check the branch and the run's number; ${whereRunsAre}`],
  ["branch lane not found", `Check the branch and the lane run's number; ${whereRunsAre}`],
  ["nightly run not found", `Check the nightly's number; ${whereNightliesAre}`],
  ["nightly lane not found", `Check the nightly and the lane run's number; ${whereNightliesAre}`],
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

/** Turns an answer that is no success into a LandError. Pure. */
export function errorOfAnswer(asked: Asked, answer: Exchange): LandError {
  const body = readError(answer.text);
  const code = codeOf(answer, body);
  const secrets = asked.token === undefined ? [] : [asked.token];
  const said = plainWords(body?.error ?? wordsOf(answer.text), 300, secrets);
  const words =
    answer.status >= 300 && answer.status < 400
      ? redirectWords(answer.location, secrets)
      : `it answered ${answer.status}${said === "" ? "" : `: ${said}`}`;
  return new LandError(code, `${asked.method} ${asked.path} on ${asked.forge}: ${words}`, {
    ...adviceFor(asked, code, answer.status, body),
    facts: factsOf(answer.status, body, secrets),
  });
}

/** Turns a request without an answer into a LandError. `mayHaveActed`: it was to change something. */
export function errorOfSilence(asked: Asked, why: NoAnswer, mayHaveActed: boolean): LandError {
  if (why.reason === "cancelled") {
    return new LandError("cancelled", `${asked.method} ${asked.path} was cancelled.`, {
      state: mayHaveActed ? outcomeUnknown : unchanged,
      next: "Ask again; what was done already is noticed.",
    });
  }
  const sent = why.reason !== "unreachable";
  return new LandError(
    why.reason === "timed_out" ? "timed_out" : "forge_unreachable",
    `${asked.method} ${asked.path} on ${asked.forge}: ${why.message}.`,
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
    `${asked.method} ${asked.path} on ${asked.forge}: the answer is not what a forge answers (${plainWords(detail, 200)}).`,
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
  const known = advice[code];
  const where = code === "not_found" ? missing.get(body?.error ?? "") : undefined;
  if (where !== undefined) return { state: unchanged, next: where };
  if (known !== undefined) return known;
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
  if (status >= 300 && status < 400) {
    return {
      state: "Redirects are not followed, so that a login never reaches another host.",
      next: "Use the forge's own address (`land login --base-url URL`).",
    };
  }
  if (status === 409) {
    return {
      state: "The forge refused, and nothing was changed.",
      next: "Asking again changes nothing as things are; do what the refusal names.",
    };
  }
  return {
    state: "The forge did not do what was asked.",
    next: "Ask again; if it stays so, look at the forge's own log.",
  };
}

function redirectWords(location: string | undefined, secrets: readonly string[]): string {
  return location === undefined
    ? "it answered with a redirect to nowhere"
    : `it answered with a redirect to ${plainWords(location, 200, secrets)}`;
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
