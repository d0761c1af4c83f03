import type { Database } from "./database.ts";
import type { NewEvent } from "./records.ts";

/** What every writer needs beside its tables. */
export interface Writing {
  readonly db: Database;
  /** Now, as the store writes times: ISO 8601 UTC with milliseconds. */
  readonly now: () => string;
  readonly addEvent: (event: NewEvent) => void;
}

/** SQLite has no booleans. */
export const flag = (value: boolean): number => (value ? 1 : 0);
