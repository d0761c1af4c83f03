import type { Context } from "hono";
import { type Prefix, prefixes } from "../../contract/paths.ts";

/** Below which prefix a request came, where the reference's revisions answer differently. */
export function prefixOf(c: Context): Prefix {
  return prefixes.find((prefix) => c.req.path.startsWith(`${prefix}/`)) ?? prefixes[0];
}
