import { storageFault, storageHelp } from "../storage.ts";
import { accessReads, accessWrites, sweepAccess } from "./access.ts";
import { auditReads, auditWrites } from "./audit.ts";
import { branchReads, branchWrites } from "./branches.ts";
import { Database } from "./database.ts";
import { eventReads, insertEvent, sweepEvents } from "./events.ts";
import { inboxReads, inboxWrites } from "./inbox.ts";
import { journalReads, journalWrites } from "./journal.ts";
import { laneReads, laneWrites } from "./lanes.ts";
import { migrate, refuseNewer } from "./migrate.ts";
import { mirrorReads, mirrorWrites } from "./mirror.ts";
import { nightlyReads, nightlyWrites } from "./nightlies.ts";
import { noteReads, noteWrites } from "./notes.ts";
import { poolReads, poolWrites } from "./pools.ts";
import { queueReads } from "./queue.ts";
import { runReads, runWrites } from "./runs.ts";
import type { Clock, Reads, Store, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

/**
 * Opens the forge's store, making or updating its tables. Throws in plain words where the file is
 * not a store, or one of a newer version.
 */
export function openStore(file: string, clock: Clock): Store {
  const db = openDatabase(file);
  const listeners = new Set<() => void>();
  let eventsAdded = false;
  const writing: Writing = {
    db,
    now: () => clock.now().toISOString(),
    addEvent(event) {
      insertEvent(db, event, clock.now().toISOString());
      eventsAdded = true;
    },
  };
  const read = readsOf(db);
  const writes = writesOf(writing, read);

  // A write inside a write is refused by the database and must not disturb the outer one's events.
  const announced = <T>(transaction: (body: () => T) => T, body: (tx: Writes) => T): T => {
    const result = transaction(() => {
      eventsAdded = false;
      return body(writes);
    });
    if (eventsAdded) announce(listeners);
    return result;
  };

  return {
    read,
    write: (body) => announced((all) => db.transaction(all), body),
    writeUnsynced: (body) => announced((all) => db.unsyncedTransaction(all), body),
    onEvents(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      listeners.clear();
      db.close();
    },
  };
}

function openDatabase(file: string): Database {
  let db: Database | undefined;
  try {
    db = new Database(file);
    refuseNewer(db, file);
    refuseDamaged(db, file);
    migrate(db, file);
    return db;
  } catch (error) {
    closeQuietly(db);
    const words = error instanceof Error ? error.message : String(error);
    const fault = storageFault(error);
    if (fault === undefined && words.includes(file)) throw error;
    const help = fault === undefined ? "" : ` ${storageHelp(fault)}`;
    throw new Error(`The forge's store ${file} cannot be opened: ${words}.${help}`, {
      cause: error,
    });
  }
}

/** What could not be opened may not close well either, and that is not what is to be told. */
function closeQuietly(db: Database | undefined): void {
  try {
    db?.close();
  } catch {
    // The first failure is on its way to whoever asked.
  }
}

/** A larger store is not looked through at each start; damage is then told where it is met. */
export const lookedThroughBytes = 64 * 1024 ** 2;

function refuseDamaged(db: Database, file: string): void {
  if (db.bytes() > lookedThroughBytes) return;
  const found = db.damage();
  if (found === undefined) return;
  throw new Error(
    `The forge's store ${file} is damaged: ${found}. ${storageHelp({ kind: "damaged" })}`,
  );
}

function readsOf(db: Database): Reads {
  return {
    ...branchReads(db),
    ...runReads(db),
    ...nightlyReads(db),
    ...laneReads(db),
    ...queueReads(db),
    ...poolReads(db),
    ...journalReads(db),
    ...eventReads(db),
    ...accessReads(db),
    ...auditReads(db),
    ...inboxReads(db),
    ...noteReads(db),
    ...mirrorReads(db),
  };
}

function writesOf(writing: Writing, read: Reads): Writes {
  const runs = runWrites(writing, read);
  return {
    ...read,
    ...branchWrites(writing, read),
    ...runs,
    ...nightlyWrites(writing, { ...read, ...runs }),
    ...laneWrites(writing, read),
    ...poolWrites(writing),
    ...journalWrites(writing),
    ...accessWrites(writing),
    ...auditWrites(writing),
    ...inboxWrites(writing),
    ...noteWrites(writing),
    ...mirrorWrites(writing),
    addEvent: writing.addEvent,
    sweep(now) {
      sweepAccess(writing.db, now);
      sweepEvents(writing.db);
    },
  };
}

/** What was committed stays committed whatever a listener does, so its failure ends here. */
function announce(listeners: ReadonlySet<() => void>): void {
  for (const listener of [...listeners]) {
    try {
      listener();
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
