import { join } from "node:path";
import type { OwnerSettings, ServerConfig } from "../../src/server/config.ts";
import { gitTestEnvironment } from "./git-environment.ts";

export const usualSettings: OwnerSettings = {
  ci: "manifest",
  ciConcurrency: 4,
  laneTimeoutSeconds: 60,
  maxLogBytes: 1_000_000,
  allowCiChange: false,
  laneEnv: {},
  unsandboxedLanes: [],
};

/** Where a forge's CI keeps its things in a folder. */
export function ciConfig(dir: string, settings: () => OwnerSettings): ServerConfig {
  const state = join(dir, "state");
  const at = (name: string) => join(state, name);
  return {
    version: "0.0.0",
    stateDir: state,
    repositoryDir: at("repository.git"),
    storeFile: at("forge.sqlite"),
    lockFile: at("lock"),
    logsDir: at("logs"),
    workspacesDir: at("workspaces"),
    cacheDir: at("cache"),
    hooksDir: at("hooks"),
    wakeFile: at("wake"),
    hiddenDirs: [join(dir, "keys")],
    repo: "test/repo",
    target: "main",
    host: "127.0.0.1",
    port: 0,
    canonicalUrl: null,
    ownerNpub: "npub-owner",
    agentNpub: "npub-agent",
    settings,
    idleSeconds: null,
    env: gitTestEnvironment(dir, "Agent"),
  };
}
