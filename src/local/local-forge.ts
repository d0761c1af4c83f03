/** Where one local forge keeps everything. Paths are absolute. */
export interface ForgeLayout {
  readonly stateDir: string;
  readonly repositoryDir: string;
  readonly storeFile: string;
  readonly lockFile: string;
  readonly logsDir: string;
  readonly workspacesDir: string;
  readonly cacheDir: string;
  readonly hooksDir: string;
  readonly wakeFile: string;
  /** `forge.json`: what `land init` and the owner's settings wrote. */
  readonly settingsFile: string;
  /** `process.json`: who serves this forge now and on which port. */
  readonly processFile: string;
  readonly serverLogFile: string;
  /** Private keys, 0600, folder 0700. */
  readonly keysDir: string;
  /** Sessions of this forge, 0600. */
  readonly sessionsDir: string;
}
