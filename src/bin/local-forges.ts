import type { InitRequest, LocalForges, OfferedBranch, ReadyForge } from "../cli/services.ts";
import { LandError } from "../domain/errors.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import { forgeAt } from "../local/find-forge.ts";
import { initForge } from "../local/init.ts";
import { stopForge } from "../local/process.ts";
import { type ForgeSettings, updateSettings } from "../local/settings.ts";
import { writeManifestBranch } from "../manifest-offer/manifest-branch.ts";
import { offerManifest } from "../manifest-offer/offer.ts";
import type { AgentHalf } from "./agent-half.ts";
import { localForgeOf } from "./local-forge-of.ts";
import { localMirror } from "./local-mirror.ts";

/** The command line's hold on local forges. */
export function localForges(agent: AgentHalf): LocalForges {
  const { environment } = agent;
  const { env, stateHome } = environment;
  const gitAt = (dir: string) => new Git({ dir, env });
  const change = async (
    path: string | undefined,
    settings: (before: ForgeSettings) => ForgeSettings,
  ) => {
    const { layout } = await localForgeOf(environment, path);
    return updateSettings(layout, settings);
  };

  async function init(request: InitRequest, signal: AbortSignal): Promise<ReadyForge> {
    const worktreeDir = agent.pathOf(request.path);
    const { join, target, name } = request;
    const options = { join, target, name };
    const report = await initForge({ worktreeDir, env, stateHome, options, signal });
    const forge = await forgeAt(report.stateDir);
    if (forge === undefined) throw vanished(report.stateDir);
    const { origin } = await agent.connections.running(forge, signal);
    const copy = await openWorkingCopy(worktreeDir, env);
    const { after } = await copy.fetch(report.remote, report.target, signal);
    if (after === undefined) throw noTarget(report.target);
    return {
      worktree: copy.path,
      created: report.created,
      repo: forge.settings.repo,
      remote: report.remote,
      target: report.target,
      targetTip: after,
      stateDir: report.stateDir,
      url: `${origin}/git`,
      notes: report.notes,
      ci: forge.settings.ci,
    };
  }

  async function writeManifest(
    ready: ReadyForge,
    text: string,
    signal: AbortSignal,
  ): Promise<OfferedBranch> {
    await change(ready.worktree, (before) => ({ ...before, ci: "manifest" }));
    const written = await writeManifestBranch(gitAt(ready.worktree), ready.targetTip, text, signal);
    const copy = await openWorkingCopy(ready.worktree, env);
    const { branch, commit: head } = written;
    if ((await copy.remoteTip(ready.remote, branch, signal)) === undefined) {
      await copy.push({ remote: ready.remote, branch, head, lease: undefined }, signal);
    }
    return written;
  }

  return {
    init,
    writeManifest,
    offer: (ready, signal) => offerManifest(gitAt(ready.worktree), ready.targetTip, signal),
    async landUntested(path) {
      await change(path, (before) => ({ ...before, ci: "none" }));
    },
    async stop(path, signal) {
      const { layout } = await localForgeOf(environment, path);
      return (await stopForge(layout, { signal })) === "stopped";
    },
    mirror: localMirror(agent, change),
    env: {
      async list(path) {
        const { settings } = await localForgeOf(environment, path);
        return Object.keys(settings.laneEnv).sort();
      },
      async set(path, name, value) {
        await change(path, (before) => ({
          ...before,
          laneEnv: { ...before.laneEnv, [name]: value },
        }));
      },
      async unset(path, name) {
        let was = false;
        await change(path, (before) => {
          const { [name]: gone, ...rest } = before.laneEnv;
          was = gone !== undefined;
          return { ...before, laneEnv: rest };
        });
        return was;
      },
    },
  };
}

function vanished(stateDir: string): LandError {
  return new LandError("internal", `${stateDir} vanished while the forge was made.`, {
    next: "Run `land init` again.",
  });
}

function noTarget(target: string): LandError {
  return new LandError("forge_error", `The forge has no branch ${target} to land on.`, {
    state: "The forge runs, but its canonical repository lacks its target.",
    next: "Run `land stop`, then `land init` again; `land doctor` shows its log file.",
  });
}
