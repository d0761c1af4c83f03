/** One HTTP request and its whole answer: bounded in time and size, never redirected. */
export interface Exchange {
  readonly status: number;
  readonly text: string;
  /** Where a redirect would have led. */
  readonly location: string | undefined;
}

export interface ExchangeRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly deadlineMs: number;
  readonly maxBytes: number;
}

/** Why there is no answer. */
export type NoAnswerReason = "unreachable" | "broken" | "timed_out" | "cancelled" | "too_big";

/** No answer came. `unreachable` alone says that the request was never sent. */
export class NoAnswer extends Error {
  readonly reason: NoAnswerReason;

  constructor(reason: NoAnswerReason, detail: string, cause?: unknown) {
    super(detail, { cause });
    this.name = "NoAnswer";
    this.reason = reason;
  }
}

/** Sends a request. Throws NoAnswer where no whole answer came. */
export async function exchange(
  request: ExchangeRequest,
  signal: AbortSignal | undefined,
): Promise<Exchange> {
  const deadline = AbortSignal.timeout(request.deadlineMs);
  const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      redirect: "manual",
      signal: stop,
    });
    return {
      status: response.status,
      text: await readCapped(response, request.maxBytes),
      location: response.headers.get("location") ?? undefined,
    };
  } catch (error) {
    throw noAnswerFor(error, signal, deadline);
  }
}

/** Names why a fetch failed. */
export function noAnswerFor(
  error: unknown,
  signal: AbortSignal | undefined,
  deadline: AbortSignal | undefined,
): NoAnswer {
  if (error instanceof NoAnswer) return error;
  if (signal?.aborted === true) return new NoAnswer("cancelled", "the request was cancelled");
  if (deadline?.aborted === true) return new NoAnswer("timed_out", "no answer came in time");
  const code = systemCode(error);
  if (code === undefined) return new NoAnswer("broken", "the connection broke", error);
  return neverSent.has(code)
    ? new NoAnswer("unreachable", `no connection (${code})`, error)
    : new NoAnswer("broken", `the connection broke (${code})`, error);
}

const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The system's code below a fetch error; several tried addresses count as one. */
function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    const code = (at as NodeJS.ErrnoException).code;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError) return systemCode(at.errors[0]);
    at = at.cause;
  }
  return undefined;
}

/** The whole body as text. Throws NoAnswer where it is longer than allowed. */
export async function readCapped(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw new NoAnswer("too_big", `the answer was longer than ${maxBytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
