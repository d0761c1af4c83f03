import { migration as m001 } from "./001-first.ts";
import { migration as m002 } from "./002-nightly.ts";
import { migration as m003 } from "./003-access.ts";

/** In order; the store's version is the number of those that were applied. Only ever appended to. */
export const migrations: readonly string[] = [m001, m002, m003];
