import { storageFault } from "./storage.ts";

/** How a part of the forge that works on its own does. Nothing here outlives the process. */
export interface PartHealth {
  /** When it last looked for work. */
  readonly checkedAt: Date | undefined;
  /** Its last failure, if what came after did not go well again. */
  readonly error: { readonly at: Date; readonly words: string } | undefined;
  readonly lastErrorAt: Date | undefined;
}

/** Notes passes of such a part. */
export class HealthNotes implements PartHealth {
  checkedAt: Date | undefined;
  error: { readonly at: Date; readonly words: string } | undefined;
  lastErrorAt: Date | undefined;
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  passed(): void {
    this.checkedAt = this.#now();
    this.error = undefined;
  }

  failed(cause: unknown): void {
    const at = this.#now();
    this.checkedAt = at;
    this.lastErrorAt = at;
    this.error = { at, words: wordsOf(cause) };
  }
}

function wordsOf(cause: unknown): string {
  const words = cause instanceof Error ? cause.message : String(cause);
  const fault = storageFault(cause);
  return fault === undefined ? words : `${fault.words} (${words})`;
}
