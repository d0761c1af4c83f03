import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { oneLine } from "../text/control.ts";
import { readInside } from "./read-inside.ts";
import { type ParsedSection, parseSection, type Section } from "./section.ts";

/** The folder of sections below a work tree's top, and in this kit. */
const briefsFolder = "briefs";
/** Most sections that a repository may add. */
const mostSections = 30;
const mostBytes = 32 * 1024;

/** One file of sections as it was read. */
export interface SectionFile {
  readonly name: string;
  readonly source: Section["source"];
  readonly raw: string;
  readonly parsed: ParsedSection;
}

/** A section that cannot be shown, in its place. */
export interface BrokenSection {
  readonly name: string;
  readonly source: Section["source"];
  readonly why: string;
}

/** What a brief is made of, in the order in which it is shown. */
export interface Choice {
  readonly sections: readonly Section[];
  readonly broken: readonly BrokenSection[];
  /** The kit's sections that the repository has switched off or replaced. */
  readonly replaced: readonly string[];
}

/** Reads the sections in a folder's `briefs/`; none where there is no such folder. */
export async function readSections(
  folder: string,
  source: Section["source"],
): Promise<{ readonly files: readonly SectionFile[]; readonly notes: readonly string[] }> {
  const entries = await readdir(join(folder, briefsFolder)).catch(() => []);
  const documents = entries.filter((entry) => entry.endsWith(".md") && !entry.startsWith("."));
  const names = documents
    .filter((entry) => /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]*$/u.test(entry))
    .sort();
  const read = await Promise.all(
    names.slice(0, mostSections).map((entry) => readSection(folder, entry, source)),
  );
  const files = read.filter((file) => file !== undefined);
  const left = names.length - mostSections;
  const odd = documents.filter((entry) => !names.includes(entry));
  const notes = [
    left > 0 && `${briefsFolder}/ has ${left} more files than the ${mostSections} that are read.`,
    odd.length > 0 &&
      `Not read in ${briefsFolder}/: ${oneLine(odd.join(", ")).slice(0, 120)}; a name may have only letters, digits, \`_\`, \`-\` and \`.\`.`,
  ].filter((note) => note !== false);
  return { files, notes };
}

async function readSection(
  folder: string,
  entry: string,
  source: Section["source"],
): Promise<SectionFile | undefined> {
  const name = entry.slice(0, -".md".length);
  const inside = await readInside(folder, join(briefsFolder, entry), mostBytes);
  const broken = (why: string): SectionFile => {
    return { name, source, raw: "", parsed: { kind: "broken", name, why: oneLine(why) } };
  };
  if (inside.kind === "missing") return undefined;
  if (inside.kind === "refused") return broken(inside.why);
  const parsed = parseSection(name, source, inside.text);
  if (!inside.isWhole && parsed.kind !== "other") return broken("it is longer than 32 KiB");
  return { name, source, raw: inside.text, parsed };
}

/**
 * Which sections make up the brief. A repository's file takes the place of the kit's of the same
 * name, or with `enabled: false` switches it off; one that is the kit's own to the byte is the kit's.
 */
export function chooseSections(
  kit: readonly SectionFile[],
  repository: readonly SectionFile[],
): Choice {
  const own = repository.filter(
    (file) =>
      file.parsed.kind !== "other" &&
      !kit.some(({ name, raw }) => name === file.name && raw === file.raw),
  );
  const names = new Set(own.map((file) => file.name));
  const all = [...kit.filter((file) => !names.has(file.name)), ...own];
  const sections = all.flatMap(({ parsed }) => (parsed.kind === "section" ? parsed.section : []));
  const broken = all.flatMap(({ source, parsed }) =>
    parsed.kind === "broken" ? { name: parsed.name, source, why: parsed.why } : [],
  );
  return {
    sections: sections.toSorted(byPlace),
    broken: broken.toSorted((a, b) => compare(a.name, b.name)),
    replaced: kit.map((file) => file.name).filter((name) => names.has(name)),
  };
}

/** The kit's first among equals, so that nothing comes before its rules. */
function byPlace(a: Section, b: Section): number {
  const ours = (one: Section) => (one.source === "kit" ? 0 : 1);
  return a.order - b.order || ours(a) - ours(b) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
