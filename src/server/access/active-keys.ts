import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { activeKeysName, activeKeysText } from "../../domain/active-keys.ts";
import type { ServerConfig } from "../config.ts";
import type { Reads } from "../store/store.ts";
import { type Rights, rightsOf } from "./rights.ts";

interface Log {
  error(facts: object, words: string): void;
}

/** The list of keys for SSH does not say what the store says. Its words are for the owner. */
export class ActiveKeysError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = "ActiveKeysError";
  }
}

/** Brings the list up to date as far as that can be done now; nothing waits for it. */
export function keepActiveKeys(
  config: Pick<ServerConfig, "hooksDir">,
  { read, log }: { readonly read: Pick<Reads, "keys">; readonly log: Log },
): void {
  try {
    writeActiveKeys(config, read);
  } catch (error) {
    log.error({ err: error }, "the list of keys for SSH could not be written");
  }
}

/**
 * Writes who may use git over SSH, whole or not at all. Where it cannot be written the old list is
 * taken away, since it may name a key that has just lost its rights: without a list nobody is let
 * in, until a change, a start or the housekeeping writes it. Throws ActiveKeysError.
 */
export function writeActiveKeys(
  config: Pick<ServerConfig, "hooksDir">,
  read: Pick<Reads, "keys">,
): void {
  const file = join(config.hooksDir, activeKeysName);
  const able = (right: (rights: Rights) => boolean) =>
    read.keys().flatMap((key) => (right(rightsOf(key)) ? key.npub : []));
  const text = activeKeysText(
    able(({ write }) => write),
    able(({ read, write }) => read && !write),
  );
  if (contentOf(file) === text) return;
  try {
    mkdirSync(config.hooksDir, { recursive: true, mode: 0o755 });
    replaceFile(file, text);
  } catch (error) {
    throw new ActiveKeysError(takeAway(file, error), error);
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  try {
    const handle = openSync(temporary, "w", 0o644);
    try {
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmQuietly(temporary);
    throw error;
  }
}

function rmQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // What went wrong before is what counts.
  }
}

/** Removes a list that may be wrong, and says how things stand. */
function takeAway(file: string, why: unknown): string {
  const { code = "unknown" } = why as NodeJS.ErrnoException;
  const begin = `The keys stand as they were asked for, but their list for SSH could not be written (${code})`;
  try {
    rmSync(file, { recursive: true, force: true });
    return `${begin}. Nobody is let in over SSH until it is; the forge tries each minute.`;
  } catch {
    return `${begin} nor removed. SSH goes by the old list: repair ${file}; the forge tries each minute.`;
  }
}
