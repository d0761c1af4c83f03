declare const held: unique symbol;

/** Proof that its holder alone changes refs and branch records right now. Only `Turns` makes one. */
export interface Turn {
  readonly [held]: true;
}

/** Lets one body at a time have the repository, in the order of asking. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as `body` does; a failure never keeps the next one from its turn. */
  take<T>(body: (turn: Turn) => Promise<T>): Promise<T> {
    const mine = this.#last.then(() => body({} as Turn));
    this.#last = mine.catch(() => {});
    return mine;
  }
}
