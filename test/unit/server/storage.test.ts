import { expect, it } from "vitest";
import { storageFault, storageHelp } from "../../../src/server/storage.ts";

const withCode = (code: string) => Object.assign(new Error(code), { code });
const ofSqlite = (errcode: number) =>
  Object.assign(new Error("sqlite"), { code: "ERR_SQLITE_ERROR", errcode });

it.each([
  ["a full disk", withCode("ENOSPC"), "full"],
  ["a used up quota", withCode("EDQUOT"), "full"],
  ["a read-only file system", withCode("EROFS"), "not_writable"],
  ["a store that cannot grow", ofSqlite(13), "full"],
  ["a store that is read-only", ofSqlite(8), "not_writable"],
  ["a store in a read-only folder, by its extended code", ofSqlite(8 | (6 << 8)), "not_writable"],
  ["a store that fails to write", ofSqlite(10 | (3 << 8)), "failed"],
  ["a damaged store", ofSqlite(11), "damaged"],
  ["no store at all", ofSqlite(26), "damaged"],
  ["what such a fault caused", new Error("no", { cause: ofSqlite(13) }), "full"],
])("%s is known by its code", (_what, error, kind) => {
  const fault = storageFault(error);
  expect(fault?.kind).toBe(kind);
  expect(fault && storageHelp(fault)).toBeTruthy();
});

it.each([
  ["a busy store", ofSqlite(5)],
  ["a broken rule of the store", ofSqlite(19)],
  ["another failure", new Error("No space left on device")],
  ["what is no error", "ENOSPC"],
])("%s is none", (_what, error) => {
  expect(storageFault(error)).toBeUndefined();
});
