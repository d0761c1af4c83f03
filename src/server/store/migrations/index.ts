import { migration as m001 } from "./001-first.ts";
import { migration as m002 } from "./002-nightly.ts";
import { migration as m003 } from "./003-access.ts";
import { migration as m004 } from "./004-health.ts";
import { migration as m005 } from "./005-mirror.ts";
import { migration as m006 } from "./006-nightly-day.ts";
import { migration as m007 } from "./007-queue.ts";
import { migration as m008 } from "./008-mirror-tried.ts";

/** In order; the store's version is the number of those that were applied. Only ever appended to. */
export const migrations: readonly string[] = [m001, m002, m003, m004, m005, m006, m007, m008];
