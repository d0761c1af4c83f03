/** Refs by full name, with the objects they name. */
export type Refs = ReadonlyMap<string, string>;

export interface MirrorView {
  /** Full name of the target's ref. */
  readonly target: string;
  readonly local: Refs;
  readonly remote: Refs;
  /** What each ref was when both sides last agreed on it. */
  readonly agreed: Refs;
  /** What the forge may have put there since, in pushes whose end it did not see. */
  readonly tried: ReadonlyMap<string, ReadonlySet<string>>;
}

/** One ref to push. */
export interface MirrorPush {
  readonly ref: string;
  /** Null: delete it there. */
  readonly to: string | null;
  /** Null: by fast-forward alone. Else the push may rewrite exactly this value and no other. */
  readonly lease: string | null;
}

/** A ref that the mirror has elsewhere, and that is not ours to set. */
export interface MirrorRefusal {
  readonly ref: string;
  readonly why: "target_diverged" | "tag_differs" | "branch_diverged";
}

export interface MirrorPlan {
  readonly pushes: readonly MirrorPush[];
  readonly refused: readonly MirrorRefusal[];
}

/**
 * What to push so that the mirror follows the forge. The target and tags are never forced. A branch
 * is rewritten or deleted only where the mirror has what both sides agreed on or what the forge
 * itself put there, so that what others put there stays. Deletions come first: a name may be in the
 * way of a longer one. Pure.
 */
export function planMirror(view: MirrorView): MirrorPlan {
  const { local, remote, target } = view;
  const pushes: MirrorPush[] = [];
  const deletions: MirrorPush[] = [];
  const refused: MirrorRefusal[] = [];
  for (const [ref, to] of local) {
    const there = remote.get(ref);
    if (there === to) continue;
    if (there === undefined || ref === target) pushes.push({ ref, to, lease: null });
    else if (isTag(ref)) refused.push({ ref, why: "tag_differs" });
    // Where somebody else moved it there, only a fast-forward keeps what they did.
    else pushes.push({ ref, to, lease: isOurs(view, ref, there) ? there : null });
  }
  for (const [ref, there] of remote) {
    if (local.has(ref) || ref === target || isTag(ref)) continue;
    if (isOurs(view, ref, there)) deletions.push({ ref, to: null, lease: there });
  }
  return { pushes: [...deletions, ...pushes], refused };
}

/** Whether a value of the mirror is one that only this forge can have put there. */
function isOurs({ agreed, tried }: MirrorView, ref: string, there: string): boolean {
  return agreed.get(ref) === there || tried.get(ref)?.has(there) === true;
}

export interface MirrorLag {
  readonly lagging: readonly string[];
  readonly synced: number;
}

/**
 * How far the mirror is behind: refs of the forge that it lacks or has elsewhere, and refs that the
 * forge deleted and it still has. What only others put there does not count. Pure.
 */
export function lagOf({ local, remote, agreed, tried, target }: MirrorView): MirrorLag {
  const lagging: string[] = [];
  let synced = 0;
  for (const [ref, sha] of local) {
    if (remote.get(ref) === sha) synced += 1;
    else lagging.push(ref);
  }
  for (const [ref] of remote) {
    const known = agreed.has(ref) || tried.has(ref);
    if (!local.has(ref) && ref !== target && !isTag(ref) && known) lagging.push(ref);
  }
  // The target first: it is what people ask for.
  lagging.sort((a, b) => Number(b === target) - Number(a === target) || (a < b ? -1 : 1));
  return { lagging, synced };
}

/** What is to be remembered of an attempt: where both sides agree now, and what neither has. Pure. */
export function agreementChanges(view: MirrorView): ReadonlyMap<string, string | null> {
  const { local, remote, agreed, tried } = view;
  const changes = new Map<string, string | null>();
  for (const [ref, sha] of local) {
    const isNew = agreed.get(ref) !== sha || tried.has(ref);
    if (remote.get(ref) === sha && isNew) changes.set(ref, sha);
  }
  for (const ref of [...agreed.keys(), ...tried.keys()]) {
    if (!local.has(ref) && !remote.has(ref)) changes.set(ref, null);
  }
  return changes;
}

/** Reads `sha TAB ref` lines, as `ls-remote` prints them. Peeled tags are left out. */
export function parseRefs(output: string): Refs {
  const refs = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [sha, ref] = line.split("\t");
    if (sha === undefined || ref === undefined || ref.endsWith("^{}")) continue;
    if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(sha)) continue;
    if (ref.startsWith("refs/heads/") || isTag(ref)) refs.set(ref, sha);
  }
  return refs;
}

function isTag(ref: string): boolean {
  return ref.startsWith("refs/tags/");
}
