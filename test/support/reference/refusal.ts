/** An answer that ends a request: `{"error"}` as JSON, or plain text. */
export class Refusal extends Error {
  readonly status: number;
  readonly json: boolean;

  constructor(status: number, message: string, json: boolean) {
    super(message);
    this.status = status;
    this.json = json;
  }
}

/** The application's own: a JSON object with the one key `error`. */
export const refuse = (status: number, message: string) => new Refusal(status, message, true);
/** The framework's, and that of pages and streams: plain text. */
export const plainly = (status: number, message: string) => new Refusal(status, message, false);
