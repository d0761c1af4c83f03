/** Switches that make the double misbehave, each on its own; all off at first. */
export interface Faults {
  /** So many reads of `resolve` and `detail` pass before a push is looked at; wakes are lost. */
  lateIngestion: number;
  /** After a push the new head is known at once, but for so many reads the branch has no run of
   *  it: its status stays what the previous head's run said. */
  previousSuccess: number;
  /** So many requests get 502 from a proxy. */
  badGateway: number;
  /** `drop`: cut after the first event. `hang`: open, silent and endless. `refuse`: 502. */
  streams: "normal" | "drop" | "hang" | "refuse";
  /** Merges wait for `release()`: `before` git is asked, or `after` git merged. */
  holdMerges: "before" | "after" | null;
  /** So many merges happen, and their answers never arrive. */
  cutMergeAnswers: number;
  /** After so many further requests with a token, every token is expired. */
  expireTokensAfter: number | null;
  /** Every answer from 400 on has a page of HTML for its body. */
  htmlErrors: boolean;
  /** Requests on a matching `METHOD path` wait for `release()`. */
  hold: RegExp | null;
  /** Requests are sent on to the same path at this origin. */
  redirectTo: string | null;
  redirectStatus: number;
  /** Mirror pushes wait for `release()`. */
  holdMirror: boolean;
  /** The next logins fail at the storing of their token. */
  failTokenStorage: number;
  /** Narrows `badGateway`, `htmlErrors` and `redirectTo` to matching `METHOD path`. */
  only: RegExp | null;
}

export const noFaults = (): Faults => ({
  lateIngestion: 0,
  previousSuccess: 0,
  badGateway: 0,
  streams: "normal",
  holdMerges: null,
  cutMergeAnswers: 0,
  expireTokensAfter: null,
  htmlErrors: false,
  hold: null,
  redirectTo: null,
  redirectStatus: 307,
  holdMirror: false,
  failTokenStorage: 0,
  only: null,
});

/** A door that things wait at, and by which one can wait for them to arrive. */
export interface Gate {
  /** Resolves at the next `release`. */
  wait(): Promise<void>;
  /** Resolves once somebody waits; at once if somebody does. */
  arrived(): Promise<void>;
  release(): void;
}

export function gate(): Gate {
  let waiting: (() => void)[] = [];
  const watchers: (() => void)[] = [];
  return {
    wait() {
      return new Promise((resolve) => {
        waiting.push(resolve);
        for (const tell of watchers.splice(0)) tell();
      });
    },
    arrived() {
      if (waiting.length > 0) return Promise.resolve();
      return new Promise((resolve) => watchers.push(resolve));
    },
    release() {
      const gone = waiting;
      waiting = [];
      for (const go of gone) go();
    },
  };
}
