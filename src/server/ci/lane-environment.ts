import { createHash } from "node:crypto";
import { join } from "node:path";
import type { LaneRecord } from "../store/records.ts";

/** What a lane's environment is made of. */
export interface LaneSurroundings {
  /** The forge's own environment; only a few names of it reach a lane. */
  readonly base: Readonly<Record<string, string | undefined>>;
  /** The owner's values, by name. */
  readonly values: Readonly<Record<string, string>>;
  readonly cache: string;
  readonly tmp: string;
  readonly resultFile: string;
  readonly tag: string;
  readonly branch: string | null;
  readonly target: string;
}

/** How programs find the network and each other; nothing that proves who somebody is. */
const passedOn = [
  "TZ",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "all_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "NIX_SSL_CERT_FILE",
  "JAVA_HOME",
  "GOROOT",
  "PYENV_ROOT",
  "NVM_DIR",
  "VOLTA_HOME",
  "ASDF_DIR",
  "ASDF_DATA_DIR",
];

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The variable that every process of a lane carries. */
export const tagVariable = "FORGE_LANE_RUN";
/** Names the file in which a lane may say more than its exit code does. */
export const resultVariable = "FORGE_LANE_RESULT";

/** Folders below the lane's cache that are made before it starts. */
export const cacheFolders = ["xdg", "npm", "cargo", "go", "pip"] as const;
/**
 * The home folder, below the lane's folder for temporary files: new for each run, since settings
 * that one branch leaves in it would reach the next.
 */
export const homeName = ".home";

/** Names that a lane asks for and the owner has given no value. */
export function missingValues(
  lane: Pick<LaneRecord, "env">,
  values: LaneSurroundings["values"],
): string[] {
  return lane.env.filter((name) => !Object.hasOwn(values, name));
}

/** The whole environment of a lane. */
export function laneEnvironment(
  lane: Pick<LaneRecord, "lane" | "head" | "env">,
  around: LaneSurroundings,
): Record<string, string> {
  const { base, cache } = around;
  const asked = lane.env.flatMap((name): [string, string][] => {
    const value = around.values[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...only(base, passedOn),
    PATH: base.PATH ?? usualPath,
    LANG: base.LANG ?? "C.UTF-8",
    USER: base.USER ?? base.LOGNAME ?? "lane",
    LOGNAME: base.USER ?? base.LOGNAME ?? "lane",
    HOME: join(around.tmp, homeName),
    TMPDIR: around.tmp,
    XDG_CACHE_HOME: join(cache, "xdg"),
    npm_config_cache: join(cache, "npm"),
    CARGO_HOME: join(cache, "cargo"),
    ...rustup(base),
    GOCACHE: join(cache, "go", "build"),
    GOMODCACHE: join(cache, "go", "mod"),
    PIP_CACHE_DIR: join(cache, "pip"),
    ...Object.fromEntries(asked),
    CI: "true",
    FORGE_LANE: lane.lane,
    FORGE_HEAD: lane.head,
    FORGE_TARGET: around.target,
    ...(around.branch === null ? {} : { FORGE_BRANCH: around.branch }),
    [tagVariable]: around.tag,
    [resultVariable]: around.resultFile,
  };
}

/** A folder name for a lane's cache that no other lane's id gives. */
export function cacheName(lane: string): string {
  const plain = lane.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, 60);
  if (plain === lane && plain === plain.toLowerCase()) return plain;
  return `${plain}.${createHash("sha256").update(lane).digest("hex").slice(0, 12)}`;
}

/** Rust's toolchains are found through the home folder, which a lane does not share. */
function rustup(base: LaneSurroundings["base"]): Record<string, string> {
  const home = base.RUSTUP_HOME ?? (base.HOME === undefined ? undefined : `${base.HOME}/.rustup`);
  return home === undefined ? {} : { RUSTUP_HOME: home };
}

function only(base: LaneSurroundings["base"], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = base[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
