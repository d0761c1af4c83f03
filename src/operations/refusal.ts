import { z } from "zod";
import type { LandError } from "../domain/errors.ts";
import { shrinkJson } from "../text/json.ts";
import { sentence } from "../text/sentence.ts";
import { fitToShow } from "../text/untrusted.ts";
import { factLines, ownFacts } from "./errors.ts";
import { lines } from "./subject.ts";

/** Why something was refused and what would help. */
export const refusalShape = {
  code: z.string().optional(),
  why: z.string().optional(),
  facts: z.record(z.string(), z.unknown()).optional(),
  next: z.string().optional(),
};

export interface RefusalView {
  code: string;
  why: string;
  facts?: Record<string, unknown>;
  next?: string;
}

const factBytes = 2000;

export function refusalOf(error: LandError): RefusalView {
  const facts = shrinkJson(ownFacts(error), factBytes) as Record<string, unknown>;
  const why =
    error.state === undefined ? error.message : `${sentence(error.message)} ${error.state}`;
  return {
    code: error.code,
    why: fitToShow(why).slice(0, 2000),
    ...(Object.keys(facts).length === 0 ? {} : { facts }),
    ...(error.next === undefined ? {} : { next: fitToShow(error.next) }),
  };
}

export function renderRefusal(view: {
  code?: string | undefined;
  why?: string | undefined;
  facts?: Record<string, unknown> | undefined;
  next?: string | undefined;
}): string {
  return lines(
    view.why !== undefined && `${view.why} (${view.code ?? "refused"})`,
    ...factLines(view.facts ?? {}),
    view.next !== undefined && `Next: ${view.next}`,
  );
}
