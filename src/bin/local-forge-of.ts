import { resolve } from "node:path";
import type { Environment } from "../config/environment.ts";
import { LandError } from "../domain/errors.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import { configuredForge, type KnownForge } from "../local/find-forge.ts";

/** The local forge of the repository that a path (default: the current folder) lies in. */
export async function localForgeOf(
  environment: Environment,
  path: string | undefined,
): Promise<KnownForge & { readonly git: Git }> {
  const { env, cwd } = environment;
  const copy = await openWorkingCopy(resolve(cwd, path ?? "."), env);
  const git = new Git({ dir: copy.path, env });
  const forge = await configuredForge(git);
  if (forge !== undefined) return { ...forge, git };
  throw new LandError("no_forge", `${copy.path} has no local forge.`, {
    state: "Nothing was changed.",
    next: "Run `land init` to make one.",
  });
}
