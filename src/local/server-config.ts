import { join, sep } from "node:path";
import { hostToListenOn } from "./hosting-settings.ts";
import { forgesRoot } from "./layout.ts";
import type { ForgeLayout } from "./local-forge.ts";
import { type ForgeSettings, readSettingsNow } from "./settings.ts";

export interface ServeOptions {
  readonly version: string;
  /** The process's whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateHome: string;
  /** Stops by itself after this long without work; null = never. */
  readonly idleSeconds: number | null;
}

/** The owner's part of the settings, as the forge's process reads it again and again. */
function ownerSettings(settings: ForgeSettings) {
  const { ci, ciConcurrency, laneTimeoutSeconds, maxLogBytes } = settings;
  const { allowCiChange, laneEnv, unsandboxedLanes, webhookSecret, mirror } = settings;
  return {
    ci,
    ciConcurrency,
    laneTimeoutSeconds,
    maxLogBytes,
    allowCiChange,
    laneEnv,
    unsandboxedLanes,
    webhookSecret,
    mirror,
  };
}

/**
 * Everything the forge's process is told at its start, as plain data. Settings that become
 * malformed while it runs leave the last good ones in force.
 */
export function serverConfig(layout: ForgeLayout, settings: ForgeSettings, options: ServeOptions) {
  let owner = ownerSettings(settings);
  const { stateDir, repositoryDir, storeFile, lockFile, logsDir } = layout;
  const { workspacesDir, cacheDir, hooksDir, wakeFile } = layout;
  return {
    version: options.version,
    stateDir,
    repositoryDir,
    storeFile,
    lockFile,
    logsDir,
    workspacesDir,
    cacheDir,
    hooksDir,
    wakeFile,
    hiddenDirs: hiddenDirs(stateDir, options.stateHome),
    repo: settings.repo,
    target: settings.target,
    host: hostToListenOn(layout, settings),
    port: settings.port,
    canonicalUrl: settings.canonicalUrl,
    retiredHosts: settings.retiredHosts,
    ownerNpub: settings.ownerNpub,
    agentNpub: settings.agentNpub,
    seed: settings.seed,
    settings: () => {
      try {
        owner = ownerSettings(readSettingsNow(layout));
      } catch {
        // The last good ones stay in force.
      }
      return owner;
    },
    idleSeconds: options.idleSeconds,
    env: options.env,
  };
}

/** What no lane may see: the keys of all forges, and the reference client's session. */
function hiddenDirs(stateDir: string, stateHome: string): readonly string[] {
  const root = forgesRoot(stateHome);
  const elsewhere = stateDir.startsWith(root + sep) ? [] : [stateDir];
  return [root, ...elsewhere, join(stateHome, "ph")];
}
