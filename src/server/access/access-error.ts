/** A caller who is not let in. The HTTP error mapper turns it into its answer. */
export class AccessError extends Error {
  readonly status: 401 | 403;

  constructor(status: 401 | 403, message: string) {
    super(message);
    this.name = "AccessError";
    this.status = status;
  }
}
