import type { ErrorAnswer } from "../../contract/errors.ts";

/** An answer that ends a request early: JSON for what the forge says, text for malformed requests. */
export class HttpFault extends Error {
  readonly status: number;
  readonly body: ErrorAnswer | string;

  constructor(status: number, body: ErrorAnswer | string) {
    super(typeof body === "string" ? body : body.error);
    this.name = "HttpFault";
    this.status = status;
    this.body = body;
  }
}

export function notFound(
  what: "branch" | "branch lane" | "branch run" | "nightly lane" | "nightly run",
): HttpFault {
  return new HttpFault(404, { error: `${what} not found` });
}
