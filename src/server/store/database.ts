import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

/** Values by name, without the colon they carry in SQL. */
export type Values = Record<string, SQLInputValue>;

/** How long a call waits for another process's lock on the file. */
const busyTimeoutMs = 5000;

/**
 * One connection: statements prepared once each, changes only inside a transaction.
 * Rows come back with the names that the SQL gives its columns.
 */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #writing = false;
  #synced: boolean | undefined;

  constructor(file: string) {
    createPrivately(file);
    this.#db = new DatabaseSync(file, {
      timeout: busyTimeoutMs,
      enableForeignKeyConstraints: true,
    });
    this.#db.exec("PRAGMA journal_mode = WAL");
    this.#db.exec("PRAGMA trusted_schema = OFF");
  }

  /** The first row, or undefined. */
  get<T>(sql: string, values: Values = {}): T | undefined {
    const row = this.#statement(sql).get(values);
    return row === undefined ? undefined : ({ ...row } as T);
  }

  all<T>(sql: string, values: Values = {}): T[] {
    return this.#statement(sql)
      .all(values)
      .map((row) => ({ ...row }) as T);
  }

  /** Rows as `make` makes them: several times as quick as `all` where there are thousands. */
  list<Row, T>(sql: string, make: (row: Row) => T): T[] {
    return this.#statement(sql)
      .all()
      .map((row) => make(row as Row));
  }

  /** Runs a change and answers how many rows it touched. */
  change(sql: string, values: Values = {}): number {
    this.#mustBeWriting();
    return Number(this.#statement(sql).run(values).changes);
  }

  /** Runs a change with a RETURNING clause and answers its one row. */
  changed<T>(sql: string, values: Values = {}): T | undefined {
    this.#mustBeWriting();
    return this.get<T>(sql, values);
  }

  /** Runs statements that are not worth preparing, such as a migration's. */
  script(sql: string): void {
    this.#db.exec(sql);
  }

  /**
   * One immediate transaction: all of `body` or nothing, and on the disk when it returns. It can be
   * neither nested nor async.
   */
  transaction<T>(body: () => T): T {
    // A journal entry has to be on the disk before the ref it announces moves.
    return this.#transaction(true, body);
  }

  /**
   * As `transaction`, but not forced to the disk. The end of this process takes nothing away; that
   * of the machine may undo it, with all that was written after it. The next `transaction` forces
   * it to the disk too.
   */
  unsyncedTransaction<T>(body: () => T): T {
    return this.#transaction(false, body);
  }

  /** How large the database is. */
  bytes(): number {
    const pages = this.get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0;
    return pages * (this.get<{ page_size: number }>("PRAGMA page_size")?.page_size ?? 0);
  }

  /** The first thing that is wrong with the file, found by reading all of it; undefined: nothing. */
  damage(): string | undefined {
    const found = this.get<{ quick_check: string }>("PRAGMA quick_check(1)")?.quick_check;
    return found === "ok" ? undefined : (found ?? "it cannot be read");
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #transaction<T>(synced: boolean, body: () => T): T {
    if (this.#writing) throw new Error("A write inside a write: the store has one at a time.");
    this.#sync(synced);
    this.#statement("BEGIN IMMEDIATE").run();
    this.#writing = true;
    try {
      const result = body();
      if (result instanceof Promise) {
        result.catch(() => {});
        throw new Error("A write's body must not be async: the transaction ends when it returns.");
      }
      this.#statement("COMMIT").run();
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    } finally {
      this.#writing = false;
    }
  }

  /** Each change of it makes SQLite prepare all statements anew. */
  #sync(synced: boolean): void {
    if (this.#synced === synced) return;
    this.#db.exec(`PRAGMA synchronous = ${synced ? "FULL" : "NORMAL"}`);
    this.#synced = synced;
  }

  #rollBack(): void {
    // SQLite has rolled back by itself after some errors, a full disk among them.
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  #mustBeWriting(): void {
    if (!this.#writing) throw new Error("The store is changed only inside write().");
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#db.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

/** Only its owner may read the file, from its first byte on; SQLite's side files follow it. */
function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
}
