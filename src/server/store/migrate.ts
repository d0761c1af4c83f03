import type { Database } from "./database.ts";
import { migrations as known } from "./migrations/index.ts";

/**
 * Brings a store's tables up to this version, each step in a transaction of its own.
 * Throws where the store was written by a newer version.
 */
export function migrate(db: Database, file: string, migrations: readonly string[] = known): void {
  refuseNewer(db, file, migrations);
  const version = versionOf(db);
  migrations.slice(version).forEach((sql, index) => {
    db.transaction(() => {
      // Another process may have done this step while we waited for the write lock.
      if (versionOf(db) > version + index) return;
      db.script(sql);
      db.script(`PRAGMA user_version = ${version + index + 1}`);
    });
  });
}

/** Throws, naming both versions, where the store was written by a newer version. Only reads. */
export function refuseNewer(
  db: Pick<Database, "get">,
  file: string,
  migrations: readonly string[] = known,
): void {
  const version = versionOf(db);
  if (version <= migrations.length) return;
  throw new Error(
    `The forge's store ${file} has version ${version}, and this forge-landing-kit knows versions ` +
      `up to ${migrations.length}. It was written by a newer one: update forge-landing-kit. ` +
      "Nothing was changed.",
  );
}

function versionOf(db: Pick<Database, "get">): number {
  return db.get<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0;
}
