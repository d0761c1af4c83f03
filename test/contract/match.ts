/** What a JSON answer must look like: checks that tell every place that does not fit. */

export interface Strictness {
  /** No key beyond the named ones. */
  readonly exactKeys: boolean;
  /** Times come as ISO 8601 UTC with milliseconds, whatever form the document names. */
  readonly isoTimes: boolean;
  /** The words of messages must be the document's. */
  readonly words: boolean;
}

/** Answers what does not fit, each with where it is. */
export type Check = (value: unknown, at: string, how: Strictness) => string[];

const told = (value: unknown) => JSON.stringify(value)?.slice(0, 120) ?? String(value);

const when =
  (name: string, holds: (value: unknown) => boolean): Check =>
  (value, at) =>
    holds(value) ? [] : [`${at}: expected ${name}, got ${told(value)}`];

const matches = (name: string, pattern: RegExp) =>
  when(name, (value) => typeof value === "string" && pattern.test(value));

export const int = when("an integer", (value) => Number.isSafeInteger(value));
export const count = when("a count", (value) => Number.isSafeInteger(value) && Number(value) >= 0);
export const str = when("a string", (value) => typeof value === "string");
export const bool = when("true or false", (value) => typeof value === "boolean");
export const object = when(
  "an object",
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
export const sha = matches("a commit", /^[0-9a-f]{40}$/);
export const npub = matches("an npub", /^npub1[0-9a-z]{58}$/);
export const hex = (length: number) =>
  matches(`${length} hex digits`, new RegExp(`^[0-9a-f]{${length}}$`));
export const is = (wanted: unknown): Check =>
  when(told(wanted), (value) => JSON.stringify(value) === JSON.stringify(wanted));
export const oneOf = (...wanted: readonly unknown[]) =>
  when(`one of ${told(wanted)}`, (value) => wanted.includes(value));
export const nullOr =
  (check: Check): Check =>
  (value, at, how) =>
    value === null ? [] : check(value, at, how);

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const time =
  (name: string, pattern: RegExp): Check =>
  (value, at, how) =>
    matches(name, how.isoTimes ? isoTime : pattern)(value, at, how);
export const sqlTime = time("a time in SQL form", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
export const gitTime = time(
  "a time in git's form",
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)$/,
);
export const msTime = time("a time with milliseconds", isoTime);
export const offsetTime = time("a time with offset", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);

export const list =
  (each: Check): Check =>
  (value, at, how) =>
    Array.isArray(value)
      ? value.flatMap((one, index) => each(one, `${at}[${index}]`, how))
      : [`${at}: expected a list, got ${told(value)}`];

/** A list whose very elements are given. */
export const tuple =
  (...each: readonly Check[]): Check =>
  (value, at, how) => {
    if (!Array.isArray(value) || value.length !== each.length) {
      return [`${at}: expected a list of ${each.length}, got ${told(value)}`];
    }
    return each.flatMap((check, index) => check(value[index], `${at}[${index}]`, how));
  };

/** An object with these keys; every one must be there. */
export const keys =
  (wanted: Readonly<Record<string, Check>>): Check =>
  (value, at, how) => {
    if (object(value, at, how).length > 0) return object(value, at, how);
    const given = value as Readonly<Record<string, unknown>>;
    const wrong = Object.entries(wanted).flatMap(([key, check]) =>
      key in given ? check(given[key], `${at}.${key}`, how) : [`${at}.${key}: is missing`],
    );
    if (!how.exactKeys) return wrong;
    const extra = Object.keys(given).filter((key) => !(key in wanted));
    return [...wrong, ...extra.map((key) => `${at}.${key}: is no key of this revision`)];
  };

/** A message: the document's words where they are asked for, else any that a person can read. */
export const words =
  (wanted: string | RegExp): Check =>
  (value, at, how) => {
    if (typeof value !== "string" || value.trim() === "") {
      return [`${at}: expected words, got ${told(value)}`];
    }
    if (/\n\s+at |node:internal|\.ts:\d/.test(value)) return [`${at}: a stack trace: ${value}`];
    if (!how.words) return [];
    const fits = typeof wanted === "string" ? value === wanted : wanted.test(value);
    return fits ? [] : [`${at}: expected ${wanted}, got ${told(value)}`];
  };
