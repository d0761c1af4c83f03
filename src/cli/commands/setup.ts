import { Argument, type Command, Option } from "commander";
import { LandError } from "../../domain/errors.ts";
import type { PlannedFile, SetupPlan, SetupState, SurveyedClient } from "../../setup/setup.ts";
import { type Client, clients } from "../../setup/shapes.ts";
import { oneLine, plainText } from "../../text/control.ts";
import { maskSecrets } from "../../text/mask.ts";
import { type Answer, type Call, done, type Face } from "../face.ts";
import type { Services, Setups } from "../services.ts";

interface SetupOptions {
  readonly project?: boolean;
  readonly print?: boolean;
  readonly undo?: boolean;
  readonly yes?: boolean;
  readonly replace?: boolean;
}

/** `land setup`: the MCP server, the session brief, the skills and a word on the forge, for a client. */
export function addSetup(command: Command, face: Face, { setups }: Services): void {
  command
    .description(
      "Sets a coding agent up for this kit: the MCP server, the session-start hook that runs the brief, the skills, and a marked block about the forge. Without a client it lists them. Twice is the same as once.",
    )
    .addArgument(new Argument("[client]", "The client to set up.").choices(clients))
    .option(
      "--project",
      "Write portable commands into the work tree's shared files, to be committed; default: your own files.",
    )
    .option("--print", "Only show what would be changed.")
    .option("--yes", "Do not ask. Without a terminal nobody is asked anyway.")
    .option("--undo", "Remove what was set up, and nothing else.")
    .addOption(
      new Option(
        "--replace",
        "Take the place of an entry of the same name that is not ours; `--undo` brings it back.",
      ).conflicts("undo"),
    )
    .action((client: Client | undefined) => {
      const options = command.opts<SetupOptions>();
      return face((call) => {
        if (client !== undefined) return setUp(call, client, options, setups);
        requireNothing(options);
        return survey(call, setups);
      });
    });
}

/** What to do was said, but not for whom. */
function requireNothing(options: SetupOptions): void {
  const { project, print, undo, yes, replace } = options;
  const given = Object.entries({ project, print, undo, yes, replace }).find(([, value]) => value);
  if (given === undefined) return;
  throw new LandError("bad_argument", `--${given[0]} needs a client.`, {
    state: "Nothing was changed.",
    next: `Name one: ${clients.join(", ")}. \`land setup\` alone shows which are set up.`,
  });
}

async function survey(call: Call, setups: Setups): Promise<Answer> {
  const found = await setups.survey(call.options.worktree, call.signal);
  const lines = found.map(surveyLine);
  const next = "`land setup <client>` sets one up for you; `--project`, for all who work here.";
  return done({ clients: found }, [...lines, next].join("\n"));
}

const stateWords: Readonly<Record<SetupState, string>> = {
  set_up: "set up",
  partly: "set up in part, or by another version",
  none: "not set up",
  unknown: "cannot be told",
};

function surveyLine({ client, found, user, project }: SurveyedClient): string {
  const here = found.length === 0 ? "not found on this machine" : "found on this machine";
  const shared = project === undefined ? "" : ` · this project: ${stateWords[project]}`;
  return `${client.padEnd(12)} ${here} · you: ${stateWords[user]}${shared}`;
}

async function setUp(
  call: Call,
  client: Client,
  options: SetupOptions,
  setups: Setups,
): Promise<Answer> {
  const undo = options.undo === true;
  const wish = {
    client,
    path: call.options.worktree,
    project: options.project === true,
    undo,
    replace: options.replace === true,
  };
  const plan = await setups.plan(wish, call.signal);
  if (options.print === true) return answer(plan, "planned", planText(plan, undo), true);
  if (plan.problem !== undefined) throw plan.problem;
  if (plan.files.length > 0 && !(await agrees(call, options, plan))) {
    return answer(plan, "not_written", "Nothing was written.");
  }
  await plan.apply(call.signal);
  if (plan.files.length === 0) {
    return undo
      ? answer(plan, "nothing_to_undo", `Nothing of ${scopeWords(plan)} is set up for ${client}.`)
      : answer(plan, "already_set_up", `${client} is already set up in ${scopeWords(plan)}.`);
  }
  return answer(plan, undo ? "undone" : "set_up", doneText(plan, undo));
}

/** Asks at a terminal, after showing the plan; elsewhere the command itself is the agreement. */
async function agrees(call: Call, options: SetupOptions, plan: SetupPlan): Promise<boolean> {
  if (options.yes === true || call.options.json || !call.terminal.canAsk) return true;
  call.progress.stop();
  const typed = await call.terminal.ask(
    `${planText(plan, options.undo === true)}\nWrite this? [y/N] `,
    { hidden: false, signal: call.signal },
  );
  return /^y(es)?$/i.test(typed?.trim() ?? "");
}

function scopeWords({ scope }: SetupPlan): string {
  return scope === "user" ? "your own files" : "this project's shared files";
}

function planText(plan: SetupPlan, undo: boolean): string {
  if (plan.files.length === 0) return withNotes(plan, ["There is nothing to change."]);
  const what = undo ? "would be removed" : "would be written";
  return withNotes(plan, [
    `This ${what} for ${plan.client}, in ${scopeWords(plan)}:`,
    ...plan.files.flatMap(fileLines),
  ]);
}

function doneText(plan: SetupPlan, undo: boolean): string {
  const files = plan.files.map(({ action, path }) => `${action} ${oneLine(path)}`);
  if (undo) return withNotes(plan, [`${plan.client} is no longer set up:`, ...files]);
  const next =
    plan.scope === "project"
      ? "Commit these files, so that everybody here and every work tree has them."
      : "It works from the client's next session on, in every repository and work tree.";
  const back = plan.scope === "project" ? " --project --undo" : " --undo";
  return withNotes(plan, [
    `${plan.client} is set up:`,
    ...files,
    `${next} \`land setup ${plan.client}${back}\` takes it back.`,
  ]);
}

function withNotes(plan: SetupPlan, lines: readonly string[]): string {
  const problem = plan.problem === undefined ? [] : [`In the way: ${plan.problem.message}`];
  return [...lines, ...problem, ...plan.notes.map((note) => `Note: ${oneLine(note)}`)].join("\n");
}

/** What a file's change comes to; of a skill, only how long it is. */
function fileLines({ path, action, roles, diff }: PlannedFile): string[] {
  const what = action === "by_hand" ? "add by hand to" : action;
  const head = `${what} ${oneLine(path)} (${roles.join(", ")})`;
  if (!roles.includes("skill")) return [head, ...shownLines(diff).map((line) => `  ${line}`)];
  const count = (sign: string) => diff.filter((line) => line.startsWith(sign)).length;
  return [`${head} +${count("+")} -${count("-")} lines`];
}

/** What others wrote may hold a key, where an entry of theirs is replaced. */
function shownLines(diff: readonly string[]): string[] {
  return diff.map((line) => maskSecrets(plainText(line)));
}

function answer(plan: SetupPlan, state: string, text: string, diffs = false): Answer {
  const { client, scope, notes } = plan;
  const files = plan.files.map(({ path, action, roles, diff }) => ({
    path,
    action,
    roles,
    ...(diffs && !roles.includes("skill") ? { diff: shownLines(diff) } : {}),
  }));
  // What is to be written is shown as it is, tools by their names.
  const problem = plan.problem === undefined ? {} : { problem: plan.problem.message };
  return { ...done({ client, scope, state, files, notes, ...problem }, text), verbatim: true };
}
