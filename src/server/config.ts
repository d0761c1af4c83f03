/** What the owner may change while the forge runs; read anew whenever it is needed. */
export interface OwnerSettings {
  /** `none`: the owner's recorded choice to land without a manifest. */
  readonly ci: "manifest" | "none";
  /** Lanes that may run at once; null = as many as the machine has processors. */
  readonly ciConcurrency: number | null;
  readonly laneTimeoutSeconds: number;
  readonly maxLogBytes: number;
  /** Whether heads that remove or change a lane of the target's manifest may land unasked. */
  readonly allowCiChange: boolean;
  /** Values that lanes may ask for by name. */
  readonly laneEnv: Readonly<Record<string, string>>;
  /** Lanes that the owner exempts from the sandbox, by lane id. */
  readonly unsandboxedLanes: readonly string[];
  /** Signs calls of the webhook; there is none without it. */
  readonly webhookSecret?: string | null;
  /** Where the target and the branches are pushed to; there is none without it. */
  readonly mirror?: MirrorSettings | null;
}

/** A repository elsewhere that follows this one. */
export interface MirrorSettings {
  /** Holds no password. */
  readonly url: string;
  /** 0 = only when somebody asks. */
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** Whether people still merge there, so that its target is taken over by fast-forward. */
  readonly import: boolean;
  /** For HTTP. */
  readonly token?: string | null;
  /** The file, nobody else's, that holds the token instead. */
  readonly tokenFile?: string | null;
  /** The variable of the forge's environment that holds the token instead. */
  readonly tokenEnv?: string | null;
}

/** Everything the forge's process is told at its start. Paths are absolute. */
export interface ServerConfig {
  readonly version: string;
  readonly stateDir: string;
  /** The canonical bare repository. */
  readonly repositoryDir: string;
  /** The one SQLite file. */
  readonly storeFile: string;
  /** Locked by the process that owns this forge, through the operating system. */
  readonly lockFile: string;
  readonly logsDir: string;
  readonly workspacesDir: string;
  readonly cacheDir: string;
  readonly hooksDir: string;
  /** Touched by the post-receive hook. */
  readonly wakeFile: string;
  /** Folders no lane may see, such as the one above `stateDir` that holds the keys of all forges. */
  readonly hiddenDirs: readonly string[];
  /** The repository's slug on pages and in answers. */
  readonly repo: string;
  /** Short name of the branch landed on. */
  readonly target: string;
  /** Where the target begins when the canonical repository does not have it yet. */
  readonly seed?: { readonly fromRepository: string; readonly sha: string } | null;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** The URL people use where a proxy stands in front; null = host and port. */
  readonly canonicalUrl: string | null;
  /** Host names that were once this forge's: every path answers 410 and where it is now. */
  readonly retiredHosts?: readonly string[];
  readonly ownerNpub: string;
  readonly agentNpub: string;
  readonly settings: () => OwnerSettings;
  /** Stops by itself after this long without work; null = never. */
  readonly idleSeconds: number | null;
  /** The process's environment, read once by `config/`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}
