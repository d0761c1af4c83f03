import type { Check } from "./check.ts";
import { checkRepository } from "./forge.ts";
import { checkBubblewrap, checkDisk, checkGit, checkNode } from "./machine.ts";
import type { ManifestSight } from "./manifest.ts";
import { checkSandbox } from "./sandbox.ts";

export interface Patient {
  /** A path in the work tree to look at. */
  readonly path: string;
  /** The folder that holds the state of this user's forges. */
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This kit's version. */
  readonly version: string;
  /** Why a forge could not serve the store in this file. */
  readonly storeProblem: (file: string) => Promise<string | undefined>;
  /** What CI would read in a work tree. */
  readonly lookAtManifest: (worktree: string) => Promise<ManifestSight>;
  readonly node: { readonly version: string; readonly execPath: string };
}

/** Looks at everything that landing needs, side by side. Changes nothing and starts no forge. */
export async function lookAround(patient: Patient, signal: AbortSignal): Promise<readonly Check[]> {
  const { env, path, stateFolder, node, version, storeProblem, lookAtManifest } = patient;
  const machine = [
    checkNode(node.version),
    checkGit(path, env, signal),
    checkBubblewrap(env, signal),
    checkDisk(stateFolder),
  ];
  const parts = await Promise.all([
    Promise.all(machine),
    checkSandbox({ stateFolder, execPath: node.execPath, env }, signal),
    checkRepository({ path, env, version, storeProblem, lookAtManifest }, signal),
  ]);
  return parts.flat();
}
