import { parsePublicKey } from "../identity/keys.ts";

/*
 * Who may push over SSH: one file per member, `NAME.keys`, with a line `# npub: npub1…` and below
 * it the member's public keys as ssh-keygen writes them. sshd gets the union of the lists of those
 * members whose npub is active at a forge.
 */

/** A member's file as it was read. */
export interface MemberFile {
  /** The file's name without `.keys`. */
  readonly name: string;
  readonly text: string;
}

/** A key that may push, and whose it is. */
export interface MemberKey {
  readonly type: string;
  /** The key itself, in Base64. */
  readonly blob: string;
  readonly npub: string;
  readonly member: string;
}

/** A line that was left out, and why. Never holds any of its text. */
export interface SkippedLine {
  readonly file: string;
  /** From 1; 0 = the file as a whole. */
  readonly line: number;
  readonly why: string;
}

export interface MemberKeys {
  readonly keys: readonly MemberKey[];
  readonly skipped: readonly SkippedLine[];
}

const keyTypes = new Set([
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
]);

/**
 * The keys of all members. A line that is no key, or a key that another member has already, is
 * left out and told; the others count. Pure.
 */
export function memberKeys(files: readonly MemberFile[]): MemberKeys {
  const keys = new Map<string, MemberKey>();
  const skipped: SkippedLine[] = [];
  for (const file of files) {
    const skip = (line: number, why: string) =>
      void skipped.push({ file: `${file.name}.keys`, line, why });
    const lines = file.text.split(/\r?\n/);
    const npub = npubIn(lines, skip);
    if (npub === undefined) continue;
    for (const [at, line] of lines.entries()) {
      if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
      const read = keyIn(line);
      if (typeof read === "string") {
        skip(at + 1, read);
        continue;
      }
      const other = keys.get(read.blob);
      if (other === undefined) keys.set(read.blob, { ...read, npub, member: file.name });
      else if (other.npub !== npub) skip(at + 1, `that key is in ${other.member}.keys already`);
    }
  }
  return { keys: [...keys.values()], skipped };
}

type Skip = (line: number, why: string) => void;

/** Whose keys a file holds. Without exactly one npub none of them counts: pushes need an author. */
function npubIn(lines: readonly string[], skip: Skip): string | undefined {
  const found = lines.flatMap((line, at) => {
    const [, given] = /^\s*#\s*npub:(.*)$/i.exec(line) ?? [];
    return given === undefined ? [] : [{ at, npub: parsePublicKey(given) }];
  });
  const [first] = found;
  if (first === undefined) skip(0, "there is no line `# npub: npub1…`, so none of its keys counts");
  else if (found.length > 1)
    skip((found[1]?.at ?? 0) + 1, "there is a second npub; no key of this file counts");
  else if (first.npub === undefined) skip(first.at + 1, "that is no npub; none of its keys counts");
  else return first.npub;
  return undefined;
}

/** A public key, or why a line is none. */
function keyIn(line: string): Pick<MemberKey, "type" | "blob"> | string {
  const [type = "", blob = ""] = line.trim().split(/\s+/);
  if (!keyTypes.has(type)) {
    if (type.includes("-cert-v01@")) return "certificates are not taken; list the key itself";
    return /\s(ssh|ecdsa|sk)-\S+ AAAA/.test(line.trim())
      ? "options in front of a key are not taken"
      : "it does not begin with a type of key that is taken";
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blob)) return "the key is no Base64";
  const fields = fieldsOf(Buffer.from(blob, "base64"));
  const named = fields?.[0]?.toString("latin1");
  if (named !== type || fields === undefined || fields.length < 2) {
    return "the key is damaged or cut off";
  }
  return { type, blob };
}

/** The parts of a key, each with its length in front; undefined where they do not add up. */
function fieldsOf(bytes: Buffer): readonly Buffer[] | undefined {
  const fields: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** A forge that members' keys may be bound to, and the npubs that are active there. */
export interface ServedForge {
  readonly stateDir: string;
  readonly active: ReadonlySet<string>;
}

/**
 * The lines for sshd: each key with the forges where its owner is active, and none for an owner who
 * is active nowhere. The key of such a one stays taken, so that it never counts as another's. Pure.
 */
export function authorizedLines(
  files: readonly MemberFile[],
  forges: readonly ServedForge[],
): { readonly lines: readonly string[]; readonly skipped: readonly SkippedLine[] } {
  const { keys, skipped } = memberKeys(files);
  const out = new Set<string>();
  const lines = keys.flatMap((key) => {
    const states = forges.filter(({ active }) => active.has(key.npub));
    if (states.length > 0) return authorizedLine(key, states);
    out.add(key.member);
    return [];
  });
  const inactive = [...out].map((member) => ({
    file: `${member}.keys`,
    line: 0,
    why: "its npub is not active at the forge, so none of its keys counts (`land members`)",
  }));
  return { lines, skipped: [...skipped, ...inactive] };
}

/** What may stand in an option of authorized_keys and in a shell's command without quotes. */
const plain = /^[\w@%+=:,./-]+$/;

/** Whether a path can be written into the lines for sshd. */
export function isPlainPath(path: string): boolean {
  return plain.test(path);
}

/**
 * A line for sshd: the key may do nothing but be served git for these forges, under its owner's
 * name. The command's first word is looked up by git-shell beside its home, else by the shell.
 */
function authorizedLine(key: MemberKey, forges: readonly ServedForge[]): string {
  const states = forges.map(({ stateDir }) => `--state ${stateDir}`).join(" ");
  const command = `land git-shell ${states} --npub ${key.npub}`;
  const comment = plain.test(key.member) ? ` ${key.member}` : "";
  return `restrict,command="${command}" ${key.type} ${key.blob}${comment}`;
}
