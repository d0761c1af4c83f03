/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  /**
   * `ok`; `missing`: not there or not good enough; `blocked`: this shell may not do it, such as
   * inside an agent's sandbox; `note`: worth knowing, nothing is wrong.
   */
  readonly state: "ok" | "missing" | "blocked" | "note";
  /** What was found, in a few words. */
  readonly found: string;
  /** What to do about it. */
  readonly next: string | undefined;
}

export function ok(name: string, found: string): Check {
  return { name, state: "ok", found, next: undefined };
}

export function note(name: string, found: string, next?: string): Check {
  return { name, state: "note", found, next };
}

export function missing(name: string, found: string, next: string): Check {
  return { name, state: "missing", found, next };
}

export function blocked(name: string, found: string, next: string): Check {
  return { name, state: "blocked", found, next };
}

/** The message of whatever was thrown, on one line. */
export function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").trim();
}

/** The checks as lines, what to do below each that needs something. */
export function renderChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap((check) => {
    const line = `${check.state.padEnd(8)} ${check.name.padEnd(width)}  ${check.found}`;
    return check.next === undefined ? [line] : [line, `${" ".repeat(width + 11)}→ ${check.next}`];
  });
  const bad = checks.filter((check) => check.state === "missing" || check.state === "blocked");
  const verdict =
    bad.length === 0
      ? "Everything that landing needs is here."
      : `Look at: ${bad.map((check) => check.name).join(", ")}.`;
  return [...lines, verdict].join("\n");
}
