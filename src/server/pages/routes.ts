import type { Context } from "hono";
import { z } from "zod";
import { parseId, readQuery } from "../http/extract.ts";
import { HttpFault } from "../http/fault.ts";
import type { Parts } from "../http/parts.ts";
import { branchPage, ciPage } from "./branch-page.tsx";
import { feedPage } from "./feed-page.tsx";
import { feedView } from "./feed-view.ts";
import { styleHash } from "./layout.tsx";
import { liveScript } from "./live-script.ts";
import { nightlyPage } from "./nightly-page.tsx";
import { prefixOf, requireLoopback } from "./place.ts";
import { adminShell, inboxShell, shellPage } from "./shell-page.tsx";
import { branchStream, nightlyStream } from "./streams.ts";
import { branchCiView, branchPageView, nightlyPageView } from "./view.ts";

/** A page, a page's stream or its script, below a prefix. */
export interface PageRoute {
  readonly path: string;
  readonly answer: (c: Context, parts: Parts) => Response | Promise<Response>;
}

const csp = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "script-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const place = z.string().max(200).optional();
const feedQuery = z.object({
  open: place,
  history: place,
  nightlies: z.iso.datetime().optional(),
});

const routes: readonly PageRoute[] = [
  {
    path: "",
    answer(c, parts) {
      const { open, history, nightlies } = readQuery(c.req, feedQuery);
      const view = feedView(parts, { open, history, nightlies });
      return show(c, feedPage(view, prefixOf(c)));
    },
  },
  { path: "/branch/{branch_id}", answer: showBranch },
  // Other names of the same page.
  { path: "/pr/{branch_id}", answer: showBranch },
  { path: "/inbox/review/{branch_id}", answer: showBranch },
  { path: "/inbox", answer: (c) => show(c, shellPage(inboxShell, prefixOf(c))) },
  { path: "/admin", answer: (c) => show(c, shellPage(adminShell, prefixOf(c))) },
  {
    path: "/branch/{branch_id}/ci",
    answer(c, parts) {
      const id = idOf(c, "branch_id");
      const view = required(branchCiView(parts, id), `branch ${id} not found`);
      return show(c, ciPage(view, prefixOf(c)));
    },
  },
  {
    path: "/branch/{branch_id}/ci/stream",
    answer: (c, parts) => branchStream(c, parts, false),
  },
  {
    path: "/branch/{branch_id}/ci/stream/full",
    answer: (c, parts) => branchStream(c, parts, true),
  },
  {
    path: "/nightly/{nightly_run_id}",
    answer(c, parts) {
      const id = idOf(c, "nightly_run_id");
      const view = required(nightlyPageView(parts, id), `nightly run ${id} not found`);
      return show(c, nightlyPage(view, prefixOf(c)));
    },
  },
  { path: "/nightly/{nightly_run_id}/stream", answer: nightlyStream },
  {
    path: "/live.js",
    answer: (c) => c.body(liveScript, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  },
];

/** Pages for a person's browser: states only, never logs or diffs, and on loopback alone. */
export const pageRoutes: readonly PageRoute[] = routes.map(({ path, answer }) => ({
  path,
  answer(c, parts) {
    requireLoopback(parts);
    return answer(c, parts);
  },
}));

function showBranch(c: Context, parts: Parts): Promise<Response> {
  const id = idOf(c, "branch_id");
  const view = required(branchPageView(parts, id), `branch ${id} not found`);
  return show(c, branchPage(view, prefixOf(c)));
}

function idOf(c: Context, name: string): number {
  return parseId(c.req.param(name) ?? "");
}

function required<T>(view: T | undefined, missing: string): T {
  if (view === undefined) throw new HttpFault(404, missing);
  return view;
}

async function show(c: Context, page: { toString(): string | Promise<string> }): Promise<Response> {
  c.header("Content-Security-Policy", csp);
  return c.html(`<!doctype html>${await page.toString()}`);
}
