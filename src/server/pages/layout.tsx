import { createHash } from "node:crypto";
import { raw } from "hono/html";
import type { Child } from "hono/jsx";

const style = `
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
a{color:inherit}code,.sha{font-family:ui-monospace,monospace}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem .25rem 0;vertical-align:top}
tr{border-bottom:1px solid #8884}
.chip{border:1px solid currentColor;border-radius:.6rem;padding:0 .5rem;font-size:.85rem;white-space:nowrap}
.success{color:#1a7f37}.danger{color:#cf222e}.warning{color:#9a6700}.neutral{color:#6e7781}
.note{border-left:3px solid #cf222e;padding-left:.8rem}.quiet{color:#6e7781}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem}dt{color:#6e7781}dd{margin:0;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
`;

/** For the policy that lets this one style sheet through and nothing else. */
export const styleHash = createHash("sha256").update(style).digest("base64");

/** The frame of every page. Whatever stands in braces is escaped. */
export function layout(page: {
  title: string;
  prefix: string;
  /** Whether blocks of it follow a stream. */
  live?: boolean;
  children: Child;
}) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{page.title}</title>
        <style>{raw(style)}</style>
        {page.live === true ? <script src={`${page.prefix}/live.js`} defer></script> : null}
      </head>
      <body>
        <nav>
          <a href={page.prefix}>All branches</a>
        </nav>
        <main>{page.children}</main>
      </body>
    </html>
  );
}

/** A status as a coloured chip. */
export function chip(label: string, tone: string) {
  return <span class={`chip ${tone}`}>{label}</span>;
}
