/** What an owner sees and does about who may use a forge. A part of the port, in domain words. */

/** A key that a forge knows. */
export interface Member {
  readonly npub: string;
  readonly name: string | undefined;
  /** `owner`, `agent` or `member`; undefined where the forge makes no difference. */
  readonly kind: string | undefined;
  readonly active: boolean;
  readonly admin: boolean;
  readonly canLand: boolean;
  /** npub of who let it in. */
  readonly approvedBy: string | undefined;
}

/** A login that is still good. `id` names it and lets nobody in. */
export interface LiveToken {
  readonly id: string;
  readonly npub: string;
  readonly name: string | undefined;
  readonly createdAt: string | undefined;
  readonly lastUsedAt: string | undefined;
  readonly expiresAt: string;
  /** The one that this very question was asked with. */
  readonly current: boolean;
}

/** One act that a forge recorded. */
export interface AuditEntry {
  readonly at: string;
  /** Undefined where the forge itself acted. */
  readonly npub: string | undefined;
  readonly name: string | undefined;
  readonly action: string;
  readonly branchId: string | undefined;
  readonly branch: string | undefined;
  readonly head: string | undefined;
  readonly subject: string | undefined;
  readonly result: string;
  readonly detail: string | undefined;
}

export interface AuditFilter {
  /** A branch's name or number. */
  readonly branch?: string | undefined;
  readonly npub?: string | undefined;
  readonly action?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Each call needs the right for it: members are the owner's, tokens everybody's own. */
export interface ForgeAccess {
  members(signal?: AbortSignal): Promise<readonly Member[]>;
  /** Lets a key in, or in again. */
  approve(
    key: { npub: string; name: string; kind: "agent" | "member"; canLand: boolean },
    signal?: AbortSignal,
  ): Promise<void>;
  /** Takes all rights of a key at once. */
  deactivate(key: { npub: string; name: string }, signal?: AbortSignal): Promise<void>;
  /** The caller's own; the owner's key sees all. */
  tokens(signal?: AbortSignal): Promise<readonly LiveToken[]>;
  /** Ends tokens: one by its id, those of a key, or all that `tokens` shows. Answers how many. */
  revoke(
    which: { id: string } | { npub: string } | { all: true },
    signal?: AbortSignal,
  ): Promise<number>;
  audit(
    filter: AuditFilter,
    signal?: AbortSignal,
  ): Promise<{ entries: readonly AuditEntry[]; next: string | undefined }>;
}
