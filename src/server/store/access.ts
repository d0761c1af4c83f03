import type { Database } from "./database.ts";
import type { KeyRecord, TokenRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import { flag, type Writing } from "./writing.ts";

type Flags = "active" | "admin" | "canForgeWrite";
type KeyRow = Omit<KeyRecord, Flags> & Readonly<Record<Flags, number>>;

const keyColumns = `npub, name, kind, active, admin, can_forge_write AS canForgeWrite, note,
  approved_by AS approvedBy, updated_by AS updatedBy, created_at AS createdAt,
  updated_at AS updatedAt`;

const toKey = (row: KeyRow): KeyRecord => ({
  ...row,
  active: row.active === 1,
  admin: row.admin === 1,
  canForgeWrite: row.canForgeWrite === 1,
});

const tokenColumns = `tokens.hash, tokens.npub, keys.name, tokens.created_at AS createdAt,
  tokens.last_used_at AS lastUsedAt, tokens.expires_at AS expiresAt`;
const tokensFrom = "FROM tokens LEFT JOIN keys ON keys.npub = tokens.npub";

type AccessReads = Pick<Reads, "key" | "keys" | "anyKeyActive" | "tokenOwner" | "token" | "tokens">;

export function accessReads(db: Database): AccessReads {
  const token = (hash: string, now: string) =>
    db.get<TokenRecord>(
      `SELECT ${tokenColumns} ${tokensFrom} WHERE tokens.hash = :hash AND tokens.expires_at > :now`,
      { hash, now },
    );
  return {
    key(npub) {
      const row = db.get<KeyRow>(`SELECT ${keyColumns} FROM keys WHERE npub = :npub`, { npub });
      return row === undefined ? undefined : toKey(row);
    },
    keys: () => db.all<KeyRow>(`SELECT ${keyColumns} FROM keys ORDER BY npub`).map(toKey),
    anyKeyActive: () => db.get("SELECT 1 FROM keys WHERE active = 1 LIMIT 1") !== undefined,
    tokenOwner: (hash, now) => token(hash, now)?.npub,
    token,
    tokens: (npub, now) =>
      db.all<TokenRecord>(
        `SELECT ${tokenColumns} ${tokensFrom}
         WHERE tokens.expires_at > :now AND (:npub IS NULL OR tokens.npub = :npub)
         ORDER BY tokens.created_at DESC, tokens.hash`,
        { npub, now },
      ),
  };
}

type AccessWrites = Pick<
  Writes,
  | "putKey"
  | "addChallenge"
  | "takeChallenge"
  | "addToken"
  | "removeToken"
  | "removeTokens"
  | "markTokenUsed"
>;

export function accessWrites(writing: Writing): AccessWrites {
  return { ...keyWrites(writing), ...challengeWrites(writing), ...tokenWrites(writing) };
}

function keyWrites({ db, now }: Writing): Pick<Writes, "putKey"> {
  return {
    putKey(key) {
      db.change(
        `INSERT INTO keys (npub, name, kind, active, admin, can_forge_write, note, approved_by,
           updated_by, created_at, updated_at)
         VALUES (:npub, :name, :kind, :active, :admin, :canForgeWrite, :note, :approvedBy,
           :updatedBy, :now, :now)
         ON CONFLICT (npub) DO UPDATE SET name = :name, kind = :kind, active = :active,
           admin = :admin, can_forge_write = :canForgeWrite, note = :note,
           approved_by = :approvedBy, updated_by = :updatedBy, updated_at = :now`,
        {
          npub: key.npub,
          name: key.name,
          kind: key.kind,
          active: flag(key.active),
          admin: flag(key.admin),
          canForgeWrite: flag(key.canForgeWrite),
          note: key.note,
          approvedBy: key.approvedBy,
          updatedBy: key.updatedBy,
          now: now(),
        },
      );
    },
  };
}

function challengeWrites({ db }: Writing): Pick<Writes, "addChallenge" | "takeChallenge"> {
  return {
    addChallenge(hash, expiresAt) {
      db.change("INSERT INTO challenges (hash, expires_at) VALUES (:hash, :expiresAt)", {
        hash,
        expiresAt,
      });
    },
    takeChallenge(hash, now) {
      const taken = db.changed<{ expiresAt: string }>(
        "DELETE FROM challenges WHERE hash = :hash RETURNING expires_at AS expiresAt",
        { hash },
      );
      return taken !== undefined && taken.expiresAt > now;
    },
  };
}

function tokenWrites({
  db,
  now,
}: Writing): Pick<Writes, "addToken" | "removeToken" | "removeTokens" | "markTokenUsed"> {
  return {
    addToken(hash, npub, expiresAt) {
      db.change(
        `INSERT INTO tokens (hash, npub, expires_at, created_at)
         VALUES (:hash, :npub, :expiresAt, :now)`,
        { hash, npub, expiresAt, now: now() },
      );
    },
    removeToken: (hash) => db.change("DELETE FROM tokens WHERE hash = :hash", { hash }) > 0,
    removeTokens: (npub) =>
      db.change("DELETE FROM tokens WHERE :npub IS NULL OR npub = :npub", { npub }),
    markTokenUsed(hash, at) {
      db.change("UPDATE tokens SET last_used_at = :at WHERE hash = :hash", { hash, at });
    },
  };
}

export function sweepAccess(db: Database, now: string): void {
  db.change("DELETE FROM challenges WHERE expires_at <= :now", { now });
  db.change("DELETE FROM tokens WHERE expires_at <= :now", { now });
}
