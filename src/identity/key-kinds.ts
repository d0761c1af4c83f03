/** What else than a secret key a text looks like, told without any of it. Pure. */

const bech32Kinds: readonly (readonly [prefix: string, kind: string])[] = [
  ["ncryptsec1", "an encrypted secret key (ncryptsec)"],
  ["nsec1", "an nsec with a letter wrong or missing"],
  ["npub1", "a public key (npub)"],
  ["nprofile1", "a public profile (nprofile)"],
  ["nevent1", "the address of an event (nevent)"],
  ["naddr1", "the address of an event (naddr)"],
  ["note1", "the id of an event (note)"],
  ["nrelay1", "the address of a relay (nrelay)"],
];

/** Names what a text is that is no secret key; undefined where it looks like nothing that is known. */
export function wrongKindOf(text: string): string | undefined {
  const trimmed = text.trim().replace(/^nostr:/i, "");
  const lower = trimmed.toLowerCase();
  if (trimmed === "") return "nothing at all";
  const bech32 = bech32Kinds.find(([prefix]) => lower.startsWith(prefix));
  if (bech32 !== undefined) return bech32[1];
  if (lower.startsWith("bunker://")) return "the address of a remote signer (bunker://)";
  if (lower.startsWith("nostrconnect://")) {
    return "a client's invitation to a remote signer (nostrconnect://)";
  }
  if (/^-----begin /i.test(trimmed)) return "a key of another system (PEM)";
  if (/^[0-9a-f]+$/i.test(trimmed)) {
    return trimmed.length === 64
      ? "64 hex digits that are no key"
      : `${trimmed.length} hex digits, not 64`;
  }
  const words = lower.split(/\s+/);
  const isSeed = [12, 15, 18, 21, 24].includes(words.length);
  if (isSeed && words.every((word) => /^[a-z]{3,8}$/.test(word))) return "seed words";
  if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(trimmed)) return "a name (name@domain)";
  return undefined;
}
