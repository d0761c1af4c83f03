/** What a runner's lifecycle line tells: a JSON object with an `event`, alone on its line. */
export interface LifecycleLine {
  readonly event: string;
  readonly runId: string | null;
  readonly targetId: string | null;
  readonly status: string | null;
  /** The runner's words, as it printed them. */
  readonly message: string | null;
}

const maxIdLength = 200;

/** The lifecycle lines of a piece of output. Everything else in it is passed over. */
export function lifecycleLines(output: string): LifecycleLine[] {
  return output.split("\n").flatMap((line) => {
    if (!line.startsWith("{") || !line.includes('"event"')) return [];
    const read = readLine(line);
    return read === undefined ? [] : [read];
  });
}

function readLine(line: string): LifecycleLine | undefined {
  const parsed = parseObject(line);
  if (typeof parsed?.event !== "string") return undefined;
  const run = typeof parsed.run === "object" && parsed.run !== null ? parsed.run : {};
  const fields: Record<string, unknown> = { ...parsed, ...run };
  return {
    event: parsed.event,
    runId: idOf(fields.run_id),
    targetId: idOf(fields.target_id),
    status: idOf(fields.status),
    message: typeof fields.message === "string" ? fields.message : null,
  };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Ids come from whatever the lane prints, so only plain ones are taken. */
function idOf(value: unknown): string | null {
  return typeof value === "string" && value.length <= maxIdLength && /^[\w.:@/+-]+$/.test(value)
    ? value
    : null;
}
