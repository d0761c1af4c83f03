import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { refuseNewer } from "./migrate.ts";
import { lookedThroughBytes } from "./open-store.ts";

/** Why a forge could not serve this store, in words; undefined where nothing is seen. Changes nothing. */
export function storeProblem(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  let db: DatabaseSync | undefined;
  try {
    const opened = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
    db = opened;
    const get = <T>(sql: string) => opened.prepare(sql).get() as T | undefined;
    refuseNewer({ get }, file);
    const pages = get<{ page_count: number }>("PRAGMA page_count")?.page_count ?? 0;
    const size = get<{ page_size: number }>("PRAGMA page_size")?.page_size ?? 0;
    if (pages * size > lookedThroughBytes) return undefined;
    const found = get<{ quick_check: string }>("PRAGMA quick_check(1)")?.quick_check;
    return found === "ok" ? undefined : `The forge's store ${file} is damaged: ${found}.`;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return words.includes(file) ? words : `The forge's store ${file} cannot be read: ${words}.`;
  } finally {
    db?.close();
  }
}
