import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { type Answer, done, type Face } from "../face.ts";
import type { MirrorFacts, Services } from "../services.ts";

/** `land mirror`: a repository elsewhere that follows the local forge's. The owner's. */
export function addMirror(
  command: Command,
  sub: (name: string) => Command,
  faceOf: (command: Command) => Face,
  { local }: Services,
): void {
  command.description(
    "A repository elsewhere that the local forge pushes its target, branches and tags to.",
  );
  const status = sub("status").description(
    "Says how far the mirror is behind, and why; `land mirror` alone does so, too.",
  );
  status.action(() =>
    faceOf(status)(async (call) => {
      return told(await local.mirror.status(call.options.worktree, call.signal));
    }),
  );
  const sync = sub("sync").description("Pushes now and waits for the end.");
  sync.action(() =>
    faceOf(sync)(async (call) => {
      call.progress.show("pushing to the mirror");
      return told(await local.mirror.sync(call.options.worktree, call.signal));
    }),
  );
  const set = sub("set")
    .description(
      "Sets the address; what is not named stays as it was. A token comes from a file that only its owner may read.",
    )
    .argument("<url>", "An address that git can push to; it holds no password.")
    .option("--interval <seconds>", "Between pushes; 0: only when asked. Default: 300.", seconds)
    .option("--timeout <seconds>", "Ends a push that takes longer. Default: 120.", seconds)
    .option("--import", "People merge there: take its target over by fast-forward, untested.")
    .option("--no-import", "Nobody merges there.")
    .option("--token-file <path>", "The file that holds the token for HTTP, mode 0600.")
    .option("--token-env <name>", "The variable of the forge's environment that holds it instead.");
  set.action((url: string) =>
    faceOf(set)(async (call) => {
      const given = set.opts<{
        interval?: number;
        timeout?: number;
        import?: boolean;
        tokenEnv?: string;
        tokenFile?: string;
      }>();
      await local.mirror.set(call.options.worktree, { url, ...given });
      return done({ state: "set", url }, `The mirror is ${url}; \`land mirror sync\` pushes now.`);
    }),
  );
  const off = sub("off").description("Pushes nowhere any more; the mirror stays as it is.");
  off.action(() =>
    faceOf(off)(async (call) => {
      await local.mirror.set(call.options.worktree, undefined);
      return done({ state: "off" }, "The forge has no mirror any more.");
    }),
  );
}

function seconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("Give whole seconds.");
  return Number(text);
}

function attemptLine(attempt: MirrorFacts["history"][number]): string {
  const { startedAt, finishedAt, trigger, end, lagging } = attempt;
  const seconds = Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
  const lag = lagging === undefined ? "" : `, ${lagWords(lagging)}`;
  return `  ${startedAt} ${trigger}: ${end} after ${seconds.toFixed(1)} s${lag}`;
}

function lagWords(refs: number): string {
  if (refs === 0) return "nothing lags";
  return refs === 1 ? "1 ref lags" : `${refs} refs lag`;
}

function told(mirror: MirrorFacts): Answer {
  const { remote, lagging, laggingRefs, lastSuccessAt, failures, problem, history } = mirror;
  if (remote === undefined)
    return done({ state: "off" }, "The forge has no mirror. `land mirror set URL` names one.");
  const lag = lagging === undefined ? "its lag is not known" : lagWords(lagging);
  const lines = [
    `Mirror ${remote}: ${mirror.state === "disabled" ? "by hand alone" : mirror.state}, ${lag}; last success: ${lastSuccessAt ?? "none"}.`,
    ...laggingRefs.slice(0, 10).map((ref) => `  ${ref}`),
    ...(problem === undefined ? [] : [`Failed ${failures}× (${problem.kind}): ${problem.words}`]),
    ...(history.length === 0 ? [] : ["Attempts, newest first:"]),
    ...history.slice(0, 5).map(attemptLine),
    ...(problem === undefined ? [] : ["Next: settle why it failed, then `land mirror sync`."]),
  ];
  return {
    facts: {
      ...{ remote, state: mirror.state, lagging, lagging_refs: laggingRefs },
      ...{ last_success_at: lastSuccessAt, failures, problem },
      history: history.map(({ startedAt, finishedAt, trigger, end, lagging }) => ({
        ...{ started_at: startedAt, finished_at: finishedAt, trigger, end, lagging },
      })),
    },
    text: lines.join("\n"),
    ending: problem === undefined ? "ok" : "error",
  };
}
