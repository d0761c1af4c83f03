import { migration as m001 } from "./001-first.ts";

/** In order; the store's version is the number of those that were applied. Only ever appended to. */
export const migrations: readonly string[] = [m001];
