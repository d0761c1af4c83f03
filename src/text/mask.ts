/**
 * Masks secrets in text that is to be shown. Newlines stay, so that lines can still be counted.
 * It is a net, not a wall: a secret that was encoded or cut into pieces passes.
 */

/** Where a secret stands in a text, in UTF-16 units, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const mask = "[masked]";

/** Known values shorter than this would mask ordinary words. */
const shortestKnown = 6;

/**
 * Formats of secrets. Where a pattern has a group, only the group is the secret. All of them run in
 * linear time: no repetition can be entered at two places of the same run of characters.
 */
const formats: readonly RegExp[] = [
  /(?<![a-z0-9])nsec1[a-z0-9]{20,}/gi,
  /bearer\s{1,4}([A-Za-z0-9._~+/=-]{16,})/gi,
  /(?<![A-Za-z0-9])gh[oprsu]_[A-Za-z0-9]{20,}/g,
  /(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{20,}/g,
  /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{16,}/g,
  /(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}/g,
  /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{30,}/g,
  /(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,}/g,
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  // A URL's password, or a token that stands in the user's place.
  /:\/\/[^\s/:@]{0,256}:([^\s/@]{1,256})@/g,
  /:\/\/([^\s/:@]{16,256})@/g,
];

/** Where secrets stand: the given known values (also percent-encoded) and known formats. Sorted. */
function secretSpans(text: string, known: readonly string[] = []): readonly Span[] {
  const spans = [...knownSpans(text, known), ...formatSpans(text), ...privateKeySpans(text)];
  return merge(spans);
}

/** The text with each secret masked. */
export function maskSecrets(text: string, known: readonly string[] = []): string {
  return maskRange(text, 0, text.length, known);
}

/**
 * A part of a text with its secrets masked, also those that the part's borders cut through.
 * Show a part of something long this way: mask with some text around it, then cut.
 */
export function maskRange(
  text: string,
  start: number,
  end: number,
  known: readonly string[] = [],
): string {
  let shown = "";
  let at = start;
  for (const span of secretSpans(text, known)) {
    if (span.end <= at || span.start >= end) continue;
    shown += text.slice(at, Math.max(at, span.start));
    const secret = text.slice(Math.max(at, span.start), Math.min(end, span.end));
    shown += mask + secret.replace(/[^\n]/g, "");
    at = Math.min(end, span.end);
  }
  return shown + text.slice(at, Math.max(at, end));
}

function* knownSpans(text: string, known: readonly string[]): Generator<Span> {
  const values = known
    .filter((value) => value.length >= shortestKnown)
    .flatMap((value) => [value, encodeURIComponent(value.toWellFormed())]);
  for (const value of new Set(values)) {
    for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + value.length)) {
      yield { start: at, end: at + value.length };
    }
  }
}

function* formatSpans(text: string): Generator<Span> {
  for (const format of formats) {
    for (const match of text.matchAll(format)) {
      const secret = match[1] ?? match[0];
      const start = match.index + (match[1] === undefined ? 0 : match[0].lastIndexOf(secret));
      yield { start, end: start + secret.length };
    }
  }
}

/**
 * Private key blocks, also with their begin or their end cut off. Walked line by line, since a
 * pattern over many lines would try each line anew.
 */
function* privateKeySpans(text: string): Generator<Span> {
  if (!text.includes("PRIVATE KEY")) return;
  let begin: number | undefined;
  let bodyFrom: number | undefined;
  for (const line of linesOf(text)) {
    const words = text.slice(line.start, line.end);
    if (begin !== undefined) {
      if (!words.includes("-----END ")) continue;
      yield { start: begin, end: line.end };
      begin = undefined;
    } else if (/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/.test(words)) {
      begin = line.start + words.indexOf("-----BEGIN ");
    } else if (/-----END [A-Z0-9 ]{0,40}PRIVATE KEY/.test(words)) {
      yield { start: bodyFrom ?? line.start, end: line.end };
    } else if (/^\s*[A-Za-z0-9+/=]{16,}\s*$/.test(words)) {
      bodyFrom ??= line.start;
      continue;
    }
    bodyFrom = undefined;
  }
  if (begin !== undefined) yield { start: begin, end: text.length };
}

function* linesOf(text: string): Generator<Span> {
  for (let start = 0; start <= text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    yield { start, end };
    start = end + 1;
  }
}

function merge(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && span.start < last.end) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    } else merged.push(span);
  }
  return merged;
}
