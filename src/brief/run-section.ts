import { gitEnvironment } from "../git/git.ts";
import type { Captures } from "../process/capture.ts";
import { agreementKey } from "./place.ts";
import { mostPrinted, onlyNote, type Printed, plainly, printedBy } from "./printed.ts";
import { readInside } from "./read-inside.ts";
import type { Section } from "./section.ts";

/** How a command of this kit that ran in this process ended. */
export interface LandAnswer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs a command line of `land` in this process, if it is one that changes nothing; else answers
 * undefined, and it is run like any other program.
 */
export type LandRunner = (
  args: readonly string[],
  signal: AbortSignal,
) => Promise<LandAnswer> | undefined;

/** What sections are run with. */
export interface SectionHost {
  /** Where commands run and files are looked for. */
  readonly folder: string;
  /** Where files are looked for besides. */
  readonly mainFolder: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly captures: Captures;
  readonly land: LandRunner;
  /** What stands for the word `land` where it runs as a program. */
  readonly landProgram: readonly string[];
  /** Whether the repository's own sections may run commands. */
  readonly commandsAgreed: boolean;
  /** Whether a file of the work tree is in the repository, and so not the user's alone. */
  isCommitted(path: string): Promise<boolean>;
}

/** In the environment of each command: a brief inside a brief would never end. */
export const nestedMark = "AGENT_BRIEF_SECTION";

const mostBytes = 64 * 1024;

/** Gets what a section shows; undefined where its file is not there. Throws nothing of its own. */
export async function runSection(
  section: Section,
  host: SectionHost,
  signal: AbortSignal,
): Promise<Printed | undefined> {
  if (section.file !== undefined) return readFiles(section, host);
  if (section.command === undefined) return plainly("");
  if (section.source === "repository" && !host.commandsAgreed) return onlyNote(notAgreed);
  return runCommand(section.command, host, signal);
}

const notAgreed = `Its command was not run: a repository's own commands run only where you agree. Read the file, then \`git config ${agreementKey} true\` here.`;

async function runCommand(
  [program = "", ...args]: readonly string[],
  host: SectionHost,
  signal: AbortSignal,
): Promise<Printed> {
  const inProcess = program === "land" ? host.land(args, signal) : undefined;
  if (inProcess !== undefined) {
    const answer = await inProcess;
    return signal.aborted ? plainly("") : printedByLand(answer);
  }
  const words = program === "land" ? [...host.landProgram, ...args] : [program, ...args];
  const [file = program, ...rest] = words;
  const env = commandEnvironment(host.env);
  const options = { cwd: host.folder, env, maxBytes: mostPrinted, signal };
  return printedBy(program, await host.captures.run(file, rest, options));
}

function printedByLand({ code, out, err }: LandAnswer): Printed {
  if (code === 0) return plainly(out.trimEnd());
  const text = [out.trimEnd(), err.trimEnd()].filter((part) => part !== "").join("\n");
  return { ...plainly(text), notes: [`Exit code ${code}:`], keep: "tail" };
}

/** Nobody is there to be asked, and nothing colours or pages what it prints. */
function commandEnvironment(env: SectionHost["env"]): Record<string, string> {
  return { ...gitEnvironment(env), TERM: "dumb", NO_COLOR: "1", PAGER: "cat", [nestedMark]: "1" };
}

async function readFiles(
  { file = "" }: Section,
  { folder, mainFolder, isCommitted }: SectionHost,
): Promise<Printed | undefined> {
  const places = [folder, mainFolder].filter((place) => place !== undefined);
  const read = await Promise.all(places.map((place) => readInside(place, file, mostBytes)));
  const texts = new Set<string>();
  const notes: string[] = [];
  for (const one of read) {
    if (one.kind === "refused") notes.push(`${file} is not shown: ${one.why}.`);
    if (one.kind !== "text") continue;
    texts.add(one.text.trim());
    if (!one.isWhole) notes.push(`Only the first ${mostBytes / 1024} KiB of ${file} were read.`);
  }
  if (texts.size === 0 && notes.length === 0) return undefined;
  if (await isCommitted(file))
    notes.push(`${file} is committed here, so others may have written it.`);
  return { text: [...texts].join("\n\n"), notes, keep: "head", isForeign: false };
}
