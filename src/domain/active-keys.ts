/*
 * Who may use git over SSH: the npubs of all keys that are active, marked where a key may fetch and
 * not push. The forge writes the list beside its hooks, whole, whenever a key changes and at each
 * start; whoever serves an SSH connection and the hooks read it, so that a key that was deactivated
 * ends at once, a session of it included.
 */

/** The list's file, in the folder of the hooks. */
export const activeKeysName = "active-keys";

const npubForm = /^npub1[a-z0-9]{58}$/;
/** Stands behind the npub of a key that may not push. */
const readsOnly = " read";

/**
 * The list's text: one npub a line, sorted, so that the same keys give the same text. `readers` may
 * fetch and not push. Pure.
 */
export function activeKeysText(
  pushers: readonly string[],
  readers: readonly string[] = [],
): string {
  const good = (npubs: readonly string[]) => npubs.filter((npub) => npubForm.test(npub));
  const all = [...good(pushers), ...good(readers).map((npub) => npub + readsOnly)];
  return [...new Set(all)]
    .sort()
    .map((line) => `${line}\n`)
    .join("");
}

/** All npubs of such a list. What is no npub counts for nothing. Pure. */
export function parseActiveKeys(text: string): ReadonlySet<string> {
  const npubs = text
    .split("\n")
    .map((line) => (line.endsWith(readsOnly) ? line.slice(0, -readsOnly.length) : line));
  return new Set(npubs.filter((npub) => npubForm.test(npub)));
}
