import type { Context } from "hono";
import { isLoopback } from "../http/bases.ts";
import { parseId } from "../http/extract.ts";
import { HttpFault } from "../http/fault.ts";
import type { Parts } from "../http/parts.ts";
import { branchPage } from "./branch-page.tsx";
import { feedPage } from "./feed-page.tsx";
import { styleHash } from "./layout.tsx";
import { branchPageView, feedView } from "./view.ts";

/** A page below a prefix. */
export interface PageRoute {
  readonly path: string;
  readonly answer: (c: Context, parts: Parts) => Promise<Response>;
}

const csp = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Pages for a person's browser: states only, never logs or diffs, and on loopback alone. */
export const pageRoutes: readonly PageRoute[] = [
  {
    path: "",
    answer: async (c, parts) => show(c, parts, feedPage(feedView(parts), prefixOf(c))),
  },
  {
    path: "/branch/{branch_id}",
    async answer(c, parts) {
      const id = parseId(c.req.param("branch_id") ?? "");
      const view = branchPageView(parts, id);
      if (view === undefined) throw new HttpFault(404, `branch ${id} not found`);
      return show(c, parts, branchPage(view, prefixOf(c)));
    },
  },
];

function prefixOf(c: Context): string {
  return `/${c.req.path.split("/")[1] ?? ""}`;
}

async function show(
  c: Context,
  parts: Parts,
  page: { toString(): string | Promise<string> },
): Promise<Response> {
  if (!isLoopback(parts.config.host)) {
    throw new HttpFault(403, "pages are shown on loopback only; use the API with a token");
  }
  c.header("Content-Security-Policy", csp);
  return c.html(`<!doctype html>${await page.toString()}`);
}
