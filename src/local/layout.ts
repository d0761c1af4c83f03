import { join } from "node:path";
import type { ForgeLayout } from "./local-forge.ts";

/** The folder that holds the state of all local forges of this user. */
export function forgesRoot(stateHome: string): string {
  return join(stateHome, "forge-landing-kit");
}

/** Where a forge with this state folder keeps everything. Pure. */
export function layoutOf(stateDir: string): ForgeLayout {
  const at = (name: string) => join(stateDir, name);
  return {
    stateDir,
    repositoryDir: at("repository.git"),
    storeFile: at("forge.db"),
    lockFile: at("forge.lock"),
    logsDir: at("logs"),
    workspacesDir: at("workspaces"),
    cacheDir: at("cache"),
    hooksDir: at("hooks"),
    // In a folder of its own, which is watched without the noise of the database.
    wakeFile: at("wake/wake"),
    settingsFile: at("forge.json"),
    processFile: at("process.json"),
    serverLogFile: at("server.log"),
    keysDir: at("keys"),
    sessionsDir: at("sessions"),
  };
}

/** A key of one agent's own, `agents/NAME`; its files are named so too. */
export type NamedKey = `agents/${string}`;

/** The keys of a forge that are here: the shared agent's, the owner's, and those of named agents. */
export type KeyKind = "agent" | "owner" | NamedKey;

/** The agent that a key belongs to alone; undefined for the shared agent's and the owner's. */
export function nameOfKey(kind: KeyKind): string | undefined {
  return kind.startsWith("agents/") ? kind.slice("agents/".length) : undefined;
}

/** The file of a key of this forge. */
export function keyFile(layout: ForgeLayout, kind: KeyKind): string {
  return join(layout.keysDir, `${kind}.nsec`);
}

/** The file of a key's session with this forge. */
export function sessionFile(layout: ForgeLayout, kind: KeyKind): string {
  return join(layout.sessionsDir, `${kind}.json`);
}
