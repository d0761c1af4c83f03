import type { Database } from "./database.ts";
import type { KeyRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import { flag, type Writing } from "./writing.ts";

type KeyRow = Pick<KeyRecord, "npub" | "name"> &
  Readonly<Record<"active" | "admin" | "canForgeWrite", number>>;

export function accessReads(db: Database): Pick<Reads, "key" | "tokenOwner"> {
  return {
    key(npub) {
      const row = db.get<KeyRow>(
        `SELECT npub, name, active, admin, can_forge_write AS canForgeWrite
         FROM keys WHERE npub = :npub`,
        { npub },
      );
      if (row === undefined) return undefined;
      return {
        ...row,
        active: row.active === 1,
        admin: row.admin === 1,
        canForgeWrite: row.canForgeWrite === 1,
      };
    },
    tokenOwner: (hash, now) =>
      db.get<{ npub: string }>("SELECT npub FROM tokens WHERE hash = :hash AND expires_at > :now", {
        hash,
        now,
      })?.npub,
  };
}

type AccessWrites = Pick<
  Writes,
  "putKey" | "addChallenge" | "takeChallenge" | "addToken" | "removeToken"
>;

export function accessWrites({ db }: Writing): AccessWrites {
  return {
    putKey(key) {
      db.change(
        `INSERT INTO keys (npub, name, active, admin, can_forge_write)
         VALUES (:npub, :name, :active, :admin, :canForgeWrite)
         ON CONFLICT (npub) DO UPDATE SET name = :name, active = :active, admin = :admin,
           can_forge_write = :canForgeWrite`,
        {
          npub: key.npub,
          name: key.name,
          active: flag(key.active),
          admin: flag(key.admin),
          canForgeWrite: flag(key.canForgeWrite),
        },
      );
    },
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
    addToken(hash, npub, expiresAt) {
      db.change("INSERT INTO tokens (hash, npub, expires_at) VALUES (:hash, :npub, :expiresAt)", {
        hash,
        npub,
        expiresAt,
      });
    },
    removeToken(hash) {
      db.change("DELETE FROM tokens WHERE hash = :hash", { hash });
    },
  };
}

export function sweepAccess(db: Database, now: string): void {
  db.change("DELETE FROM challenges WHERE expires_at <= :now", { now });
  db.change("DELETE FROM tokens WHERE expires_at <= :now", { now });
}
