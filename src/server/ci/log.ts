/** The part of a logger that CI uses. */
export interface CiLog {
  warn(facts: Readonly<Record<string, unknown>>, message: string): void;
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export const noLog: CiLog = { warn: () => undefined, info: () => undefined };
