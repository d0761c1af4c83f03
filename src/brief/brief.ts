import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Captures } from "../process/capture.ts";
import { programIn } from "../process/search-path.ts";
import { fitToShow } from "../text/untrusted.ts";
import { type Circumstances, whyNot } from "./conditions.ts";
import {
  allWithin,
  type BriefClock,
  type Ended,
  type Within,
  withinDeadline,
} from "./deadlines.ts";
import { readHeadCommit, renderHeader, type Standing } from "./header.ts";
import { type Laid, layOut, type ShownSection, sectionText } from "./layout.ts";
import { renderList } from "./list.ts";
import { type BriefRequest, defaultMaxChars } from "./options.ts";
import { findPlace, isCommitted, type Place } from "./place.ts";
import type { Printed } from "./printed.ts";
import { type LandRunner, runSection } from "./run-section.ts";
import { fileForBrief, mostSaved, type PrivateFiles, saveBrief } from "./saved.ts";
import { secretsIn } from "./secrets.ts";
import type { Section } from "./section.ts";
import { type Choice, chooseSections, readSections } from "./sections.ts";
import { onceEach, type RunSection, showBroken, showSection } from "./show.ts";

/** What a brief is made with; a composition root ties it together. */
export interface BriefHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateHome: string;
  /** A hosted forge named by the environment. */
  readonly baseUrl: string | undefined;
  readonly clock: BriefClock;
  /** The folder that holds the kit's own `briefs/`. */
  readonly kitFolder: string;
  readonly captures: Captures;
  readonly land: LandRunner;
  readonly landProgram: readonly string[];
  /** Who is logged in at the forge, in words. */
  identity(signal: AbortSignal): Promise<string>;
  /** Values that must never be shown, as far as they are known by now. */
  secrets(): readonly string[];
  readonly files: PrivateFiles;
}

/** A brief as text, with the same as facts for programs. */
export interface Brief {
  readonly text: string;
  readonly facts: object;
}

/** Where we are, and the sections that belong here. */
interface Plan {
  readonly place: Place;
  readonly choice: Choice;
  readonly chosen: readonly Section[];
  readonly circumstances: Circumstances;
  readonly notes: readonly string[];
}

const placeMs = 4000;
const headMs = 4000;
/** The brief goes on without its file where a disk does not answer. */
const saveMs = 1000;

/**
 * Makes what was asked for: the brief, one section of it, or the list. Takes no longer than the
 * overall deadline; when `signal` aborts it answers at once with what it has.
 */
export async function makeBrief(
  request: BriefRequest,
  folder: string,
  host: BriefHost,
  signal: AbortSignal,
): Promise<Brief> {
  const began = host.clock.now();
  const within = (): Within => {
    const overallMs = Math.max(0, request.overallMs - (host.clock.now() - began));
    return { clock: host.clock, overallMs, signal };
  };
  const plan = await makePlan(folder, host, within());
  const { choice, circumstances } = plan;
  if (request.act === "list") return renderList(choice, (one) => whyNot(one.when, circumstances));
  if (request.section !== undefined)
    return oneSection(request, request.section, plan, host, within());
  const [head, ran] = await Promise.all([
    readHead(plan.place, host, within()),
    runAll(plan.chosen, plan.place, host, within()),
  ]);
  const secrets = secretsOf(host);
  const sections = onceEach(ran.map(({ section, ended }) => showSection(section, ended, secrets)));
  const header = fitToShow(
    renderHeader({
      at: began,
      place: plan.place,
      ...head,
      notes: [...request.notes, ...plan.notes],
    }),
    secrets,
  );
  return layOutAndSave({ request, host, header, sections, choice, at: began, plan });
}

async function makePlan(folder: string, host: BriefHost, within: Within): Promise<Plan> {
  const job = {
    deadlineMs: placeMs,
    work: (signal: AbortSignal) => findPlace({ ...host, folder }, signal),
  };
  const [looked, kit] = await Promise.all([
    withinDeadline(job, within),
    readSections(host.kitFolder, "kit"),
  ]);
  const place = looked.state === "done" ? looked.value : unknownPlace(folder, looked);
  const own =
    place.repository === undefined
      ? { files: [], notes: [] }
      : await readSections(place.folder, "repository");
  const choice = chooseSections(kit.files, own.files);
  const circumstances: Circumstances = {
    repository: place.repository !== undefined,
    forge: place.forge !== undefined,
    hasFile: (path) => existsSync(join(place.folder, path)),
    hasCommand: (name) => programIn(host.env.PATH, name) !== undefined,
  };
  const chosen = choice.sections.filter((one) => whyNot(one.when, circumstances) === undefined);
  return { place, choice, chosen, circumstances, notes: [...kit.notes, ...own.notes] };
}

function unknownPlace(folder: string, ended: Ended<Place>): Place {
  const late = ended.state === "timed_out" || ended.state === "stopped";
  const wanting = [
    late
      ? "Git did not answer in time, so nothing is known of this repository."
      : "This repository could not be looked at.",
  ];
  return { folder, repository: undefined, forge: undefined, wanting };
}

async function readHead(
  place: Place,
  host: BriefHost,
  within: Within,
): Promise<{ standing: Standing | undefined; identity: string | undefined }> {
  const { repository, forge } = place;
  const timely = <T>(work: (signal: AbortSignal) => Promise<T>) =>
    withinDeadline({ deadlineMs: headMs, work }, within);
  const [head, state, identity] = await Promise.all([
    repository && timely((signal) => readHeadCommit(repository, signal)),
    repository && timely((signal) => repository.copy.state(signal)),
    forge && timely((signal) => host.identity(signal)),
  ]);
  return {
    standing: head === undefined ? undefined : { head: answerOf(head), state: answerOf(state) },
    identity: identity === undefined ? undefined : identityWords(identity),
  };
}

function answerOf<T>(ended: Ended<T> | undefined): T | undefined {
  return ended?.state === "done" ? ended.value : undefined;
}

function identityWords(ended: Ended<string>): string {
  if (ended.state === "done") return ended.value;
  if (ended.state !== "failed") return "the forge did not say in time";
  return `unknown (${ended.error instanceof Error ? ended.error.message : "the forge did not say"})`;
}

async function runAll(
  sections: readonly Section[],
  place: Place,
  host: BriefHost,
  within: Within,
): Promise<readonly { section: Section; ended: Ended<Printed | undefined> }[]> {
  const sectionHost = {
    ...host,
    folder: place.folder,
    mainFolder: place.repository?.mainFolder,
    commandsAgreed: place.repository?.commandsAgreed === true,
    isCommitted: async (path: string) => isCommitted(place, path, within.signal),
  };
  const jobs = sections.map((section) => ({
    deadlineMs: section.timeoutMs,
    work: (signal: AbortSignal) => runSection(section, sectionHost, signal),
  }));
  const ended = await allWithin(jobs, within);
  return sections.flatMap((section, at) => {
    const one = ended[at];
    return one === undefined ? [] : { section, ended: one };
  });
}

async function oneSection(
  request: BriefRequest,
  name: string,
  { choice, circumstances, place }: Plan,
  host: BriefHost,
  within: Within,
): Promise<Brief> {
  const broken = choice.broken.find((one) => one.name === name);
  const found = choice.sections.find((one) => one.name === name);
  if (broken !== undefined) return alone(showBroken(broken), request);
  if (found === undefined) {
    const names = choice.sections.map((one) => one.name).join(", ");
    return aloneText(
      `There is no section ${fitToShow(JSON.stringify(name))}. There are: ${names}.\n`,
    );
  }
  const reason = whyNot(found.when, circumstances);
  if (reason !== undefined) return aloneText(`Section ${name} is not shown here: ${reason}.\n`);
  const [ran] = await runAll([found], place, host, within);
  const shown =
    ran === undefined ? undefined : showSection(ran.section, ran.ended, secretsOf(host)).shown;
  return shown === undefined
    ? aloneText(`Section ${name} has nothing to show: ${found.file ?? "its file"} is not here.\n`)
    : alone(shown, request);
}

function alone(section: ShownSection, request: BriefRequest): Brief {
  const rest = () => "`--max-chars` sets how many are shown";
  const text = sectionText(section, request.maxChars ?? Infinity, { rest });
  return aloneText([...request.notes.map((note) => `Note: ${note}\n\n`), text, "\n"].join(""));
}

function aloneText(text: string): Brief {
  return { text, facts: {} };
}

function secretsOf(host: BriefHost): readonly string[] {
  return [...host.secrets(), ...secretsIn(host.env)];
}

/** The text within its budget; where that cuts something, the whole of it goes to a file first. */
async function layOutAndSave(made: {
  request: BriefRequest;
  host: BriefHost;
  header: string;
  sections: readonly RunSection[];
  choice: Choice;
  at: number;
  plan: Plan;
}): Promise<Brief> {
  const { request, host, header, at } = made;
  const shown = [
    ...made.sections.flatMap((one) => one.shown ?? []),
    ...made.choice.broken.map(showBroken),
  ];
  const room = { max: request.maxChars ?? defaultMaxChars, sized: true };
  const rest = (name: string) => `\`agent-brief --section ${name}\` shows it`;
  const file = fileForBrief(host.stateHome, at);
  let laid: Laid = layOut(header, shown, { ...room, rest: () => `full text: ${file}` });
  let saved = false;
  if (laid.cut.length > 0) {
    const whole = layOut(header, shown, { max: mostSaved, sized: false, rest }).text;
    const work = () => saveBrief({ stateHome: host.stateHome, at, file }, whole, host.files);
    const never = new AbortController().signal;
    const within = { clock: host.clock, overallMs: saveMs, signal: never };
    saved = (await withinDeadline({ deadlineMs: saveMs, work }, within)).state === "done";
    if (!saved) laid = layOut(header, shown, { ...room, rest });
  }
  return {
    text: laid.text,
    facts: {
      time: new Date(at).toISOString(),
      folder: made.plan.place.folder,
      sections: made.sections.map(({ section, state, ms }) => ({
        name: section.name,
        title: section.title,
        source: section.source,
        state,
        ms: Math.round(ms),
      })),
      broken: made.choice.broken,
      cut: laid.cut,
      ...(saved ? { full_text: file } : {}),
    },
  };
}
