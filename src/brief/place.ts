import { basename, dirname } from "node:path";
import { isLandError, type LandError } from "../domain/errors.ts";
import { type Belonging, findBelonging } from "../forges/belonging.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import type { WorkingCopy } from "../git/working-copy.ts";
import { forgeKey, readOwnConfig } from "../local/repository-settings.ts";

/** The git config key by which a user lets a repository's own sections run commands. */
export const agreementKey = "land.briefCommands";

/** Where the brief is made: a work tree with or without a forge, or any folder. */
export interface Place {
  /** The work tree's top; the folder itself outside of repositories. */
  readonly folder: string;
  readonly repository:
    | {
        readonly copy: WorkingCopy;
        readonly git: Git;
        /** The repository's first work tree, where that is another one. */
        readonly mainFolder: string | undefined;
        /** Whether the repository's own sections may run commands. */
        readonly commandsAgreed: boolean;
      }
    | undefined;
  readonly forge: Belonging | undefined;
  /** Why there is no repository or no forge, and what helps; in short. */
  readonly wanting: readonly string[];
}

export interface PlaceRequest {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateHome: string;
  readonly baseUrl: string | undefined;
}

/** Finds out where we are. Asks git alone and starts nothing; never throws. */
export async function findPlace(request: PlaceRequest, signal: AbortSignal): Promise<Place> {
  const { folder, env, stateHome, baseUrl } = request;
  let copy: WorkingCopy;
  try {
    copy = await openWorkingCopy(folder, env, signal);
  } catch (error) {
    return {
      folder,
      repository: undefined,
      forge: undefined,
      wanting: [noRepository(folder, error)],
    };
  }
  const git = new Git({ dir: copy.path, env });
  const wanting: string[] = [];
  const [forge, configured, agreed] = await Promise.all([
    findBelonging({ git, stateHome, baseUrl }, signal).catch((error: unknown) => {
      wanting.push(noForge(error));
      return undefined;
    }),
    readOwnConfig(git, forgeKey, signal).catch(() => undefined),
    readOwnConfig(git, agreementKey, signal).catch(() => undefined),
  ]);
  const isMain = basename(copy.commonDir) === ".git";
  const main = isMain ? dirname(copy.commonDir) : undefined;
  return {
    folder: copy.path,
    repository: {
      copy,
      git,
      mainFolder: main === copy.path ? undefined : main,
      commandsAgreed: mayRunCommands({
        agreed,
        madeHere: forge?.kind === "local" || (forge !== undefined && configured !== undefined),
      }),
    },
    forge,
    wanting,
  };
}

/** Whether git has a file of the work tree in its index, so that others may have written it. */
export async function isCommitted(
  { repository }: Place,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (repository === undefined) return false;
  const args = ["ls-files", "--error-unmatch", "--", `:(top,literal)${path}`];
  return (await repository.git.run({ args, answers: [0, 1] }, signal)).exitCode === 0;
}

/**
 * Whether a repository's own sections may run commands: its git config, which no clone or pull can
 * change, says so; or says nothing, and the user gave the repository a forge here.
 */
export function mayRunCommands(facts: {
  readonly agreed: string | undefined;
  readonly madeHere: boolean;
}): boolean {
  const word = facts.agreed?.trim().toLowerCase();
  if (word === undefined) return facts.madeHere;
  return ["true", "yes", "on", "1", ""].includes(word);
}

function noRepository(folder: string, error: unknown): string {
  const said = isLandError(error) ? shortly(error) : "git could not be asked.";
  const isPlain = isLandError(error, "not_a_repository") && /is in no git work tree/.test(said);
  const isUsual = isPlain && !/dubious ownership/.test(error.state ?? "");
  return isUsual ? `No git repository here (${folder}).` : `No git repository to speak of: ${said}`;
}

function noForge(error: unknown): string {
  return isLandError(error)
    ? `Forge: none. ${shortly(error)}`
    : "Forge: it could not be looked up.";
}

function shortly(error: LandError): string {
  return [error.message, error.next].filter((part) => part !== undefined).join(" ");
}
