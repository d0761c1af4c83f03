import { relative } from "node:path";
import type { Setups } from "../cli/services.ts";
import { isLandError } from "../domain/errors.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import { type Machine, planClient, surveyClients } from "../setup/setup.ts";
import type { AgentHalf } from "./agent-half.ts";
import type { Package } from "./package.ts";

/** The command line's hold on clients' configurations. */
export function setupsOf({ environment, pathOf }: AgentHalf, own: Package): Setups {
  const { env, home, stateHome } = environment;
  const machine: Machine = {
    home,
    stateHome,
    env,
    platform: process.platform,
    node: process.execPath,
    packageRoot: own.root,
  };
  const topOf = async (path: string | undefined) => (await openWorkingCopy(pathOf(path), env)).path;

  return {
    async plan({ client, path, project, undo, replace }, signal) {
      const worktree = project ? await topOf(path) : undefined;
      const plan = await planClient({ client, worktree, undo, replace }, machine);
      if (worktree === undefined || undo) return plan;
      const names = plan.files.map((file) => relative(worktree, file.path));
      const ignored = await ignoredIn(new Git({ dir: worktree, env }), names, signal);
      return ignored.length === 0 ? plan : { ...plan, notes: [...plan.notes, noteOf(ignored)] };
    },
    async survey(path) {
      const worktree = await topOf(path).catch((error) => {
        if (!isLandError(error, "not_a_repository")) throw error;
        return undefined;
      });
      return surveyClients(machine, worktree);
    },
  };
}

async function ignoredIn(
  git: Git,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const input = names.join("\0");
  const args = ["check-ignore", "--stdin", "-z"];
  const { stdout } = await git.run({ args, input, answers: [0, 1] }, signal);
  return stdout.split("\0").filter((name) => name !== "");
}

function noteOf(ignored: readonly string[]): string {
  return `git ignores ${ignored.join(", ")}: \`git add --force\` commits it all the same.`;
}
