/*
 * Who may use git over SSH: the npubs of all keys that are active. The forge writes the list beside
 * its hooks, whole, whenever a key changes and at each start; whoever serves an SSH connection and
 * the hooks read it, so that a key that was deactivated ends at once, a session of it included.
 */

/** The list's file, in the folder of the hooks. */
export const activeKeysName = "active-keys";

const npubForm = /^npub1[a-z0-9]{58}$/;

/** The list's text: one npub a line, sorted, so that the same keys give the same text. Pure. */
export function activeKeysText(npubs: readonly string[]): string {
  return [...new Set(npubs)]
    .filter((npub) => npubForm.test(npub))
    .sort()
    .map((npub) => `${npub}\n`)
    .join("");
}

/** The npubs of such a list. What is no npub counts for nothing. Pure. */
export function parseActiveKeys(text: string): ReadonlySet<string> {
  return new Set(text.split("\n").filter((line) => npubForm.test(line)));
}
