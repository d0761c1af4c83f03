import { isLandError, LandError } from "../domain/errors.ts";
import { capText } from "../text/bytes.ts";
import { shrinkJson } from "../text/json.ts";
import { sentence } from "../text/sentence.ts";
import { fitToShow } from "../text/untrusted.ts";

/** Room for an error's further facts, in bytes. */
const factBytes = 3000;

/** An error as it is told to programs: short keys, capped, no secret in a known format. */
export interface ErrorView {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly state?: string;
    readonly next?: string;
    readonly [fact: string]: unknown;
  };
}

/** Whatever was thrown, as an error that may be told. An unknown one tells no more than its message. */
export function asLandError(thrown: unknown): LandError {
  if (isLandError(thrown)) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError") {
    return new LandError("cancelled", "The call was cancelled.", stopped);
  }
  const words = (thrown instanceof Error ? thrown.message : String(thrown)).trim();
  const next = remedyOf((thrown as NodeJS.ErrnoException | undefined)?.code);
  if (next !== undefined) {
    return new LandError("unsupported", sentence(`This machine did not allow it: ${words}`), {
      state: stopped.state,
      next,
      cause: thrown,
    });
  }
  const why = words === "" ? " and did not say why" : `: ${words}`;
  return new LandError("internal", sentence(`Something in this kit failed${why}`), {
    state: stopped.state,
    next: `${stopped.next} If it fails again, it is a bug of this kit.`,
    cause: thrown,
  });
}

/** What is true of whatever ended before its end. */
const stopped = {
  state: "What was already done stays done; nothing is undone.",
  next: "Call again: every step looks at the state anew.",
};

/** What to do where the system refused something, by its error code; undefined for any other. */
function remedyOf(code: string | undefined): string | undefined {
  switch (code) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "Let this shell write there, or set XDG_STATE_HOME to a folder that it may write; `land doctor` tells what is blocked. Then try again.";
    case "ENOSPC":
    case "EDQUOT":
      return "Free some space, then try again.";
    case "EMFILE":
    case "ENFILE":
      return "Too many files are open; close some programs or raise the limit, then try again.";
    default:
      return undefined;
  }
}

/** An error of whoever started a face with arguments that cannot be. */
export function badStart(message: string, next: string): LandError {
  return new LandError("bad_argument", message, { state: "Nothing was started.", next });
}

/** The structured form of an error. Facts never replace the four fixed keys. */
export function errorView(error: LandError): ErrorView {
  const facts = shrinkJson(fitFacts(ownFacts(error)), factBytes) as Record<string, unknown>;
  return {
    error: {
      ...facts,
      code: error.code,
      message: capText(fitToShow(error.message), 3000),
      ...(error.state === undefined ? {} : { state: fitToShow(error.state) }),
      ...(error.next === undefined ? {} : { next: fitToShow(error.next) }),
    },
  };
}

/**
 * What a reader has not read yet: git's words are in the message, and so is the status of a forge's
 * answer where it says anything; an empty list says nothing.
 */
export function ownFacts({ facts }: LandError): Record<string, unknown> {
  const { stdout: _stdout, stderr: _stderr, exitCode: _exitCode, status: _status, ...own } = facts;
  const isTelling = (value: unknown) => !Array.isArray(value) || value.length > 0;
  return Object.fromEntries(Object.entries(own).filter(([, value]) => isTelling(value)));
}

/** The same facts for a reader. */
export function renderError(view: ErrorView): string {
  const { code, message, state, next, ...facts } = view.error;
  const lines = [`${message} (${code})`];
  if (state !== undefined) lines.push(`State: ${state}`);
  if (next !== undefined) lines.push(`Next: ${next}`);
  return [...lines, ...factLines(facts)].join("\n");
}

/** Facts for a reader, a line for each. */
export function factLines(facts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
}

function fitFacts(value: unknown): unknown {
  if (typeof value === "string") return fitToShow(value);
  if (Array.isArray(value)) return value.map(fitFacts);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, fitFacts(held)]));
  }
  return value;
}
