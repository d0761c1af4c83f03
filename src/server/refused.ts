import type { ErrorAnswer, WireErrorCode } from "../contract/errors.ts";

/** A request the forge understands and declines. The HTTP error mapper turns it into its answer. */
export class RefusedError extends Error {
  readonly status: 400 | 403 | 404 | 409;
  readonly code: WireErrorCode | undefined;
  readonly facts: Omit<ErrorAnswer, "error" | "code">;

  constructor(
    status: 400 | 403 | 404 | 409,
    message: string,
    code?: WireErrorCode,
    facts: Omit<ErrorAnswer, "error" | "code"> = {},
  ) {
    super(message);
    this.name = "RefusedError";
    this.status = status;
    this.code = code;
    this.facts = facts;
  }
}
