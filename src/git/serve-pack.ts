import { attached } from "../process/attached.ts";
import { gitEnvironment } from "./git.ts";

/**
 * What is served of git. `git-upload-archive` is not: it would give out refs that are hidden from
 * those who fetch.
 */
const services = ["git-upload-pack", "git-receive-pack"] as const;
export type PackService = (typeof services)[number];

/** What a client of git asked for over SSH. */
export interface PackRequest {
  readonly service: PackService;
  /** As the client wrote it. */
  readonly path: string;
}

/**
 * Reads the command of an SSH connection as git writes it: a service and one path, quoted for a
 * shell or not. Undefined for anything else; nothing of it ever reaches a shell. Pure.
 */
export function parsePackRequest(command: string): PackRequest | undefined {
  const [, first, quoted, bare] =
    /^git[ -](upload-pack|receive-pack) (?:'((?:[^']|'\\[''!]')*)'|([^\s'"\\$`;&|<>()*?]+))$/.exec(
      command,
    ) ?? [];
  const service = services.find((one) => one === `git-${first}`);
  const path = quoted?.replace(/'\\(['!])'/g, "$1") ?? bare;
  if (service === undefined || path === undefined || path === "") return undefined;
  return { service, path };
}

/**
 * Lets git serve a bare repository on this process's own input and output, until both ends are
 * done. `pushedBy` reaches the hooks. Answers git's exit code.
 */
export function servePack(
  service: PackService,
  repositoryDir: string,
  place: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly pushedBy: string;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const env: Record<string, string | undefined> = {
    ...gitEnvironment(place.env),
    LAND_PUSHED_BY: place.pushedBy,
  };
  const args = [service.slice("git-".length), repositoryDir];
  return attached("git", args, { env, signal: place.signal });
}
