import matter from "gray-matter";
import { z } from "zod";
import { oneLine } from "../text/control.ts";
import { type Condition, conditionWords, isInside, parseCondition } from "./conditions.ts";

/** One section of the brief, as its file defines it. */
export interface Section {
  /** The file's name without `.md`. */
  readonly name: string;
  readonly source: "kit" | "repository";
  readonly title: string;
  readonly purpose: string | undefined;
  /** Program and arguments; undefined for text alone. */
  readonly command: readonly string[] | undefined;
  /** A file whose text is shown, from the work tree's top. */
  readonly file: string | undefined;
  readonly timeoutMs: number;
  /** The most characters it takes in the brief. */
  readonly size: number;
  readonly when: readonly Condition[];
  readonly order: number;
  /** Text shown before what the command prints. */
  readonly body: string;
}

/** What a file in `briefs/` turned out to be. `other`: no frontmatter, so no section at all. */
export type ParsedSection =
  | { readonly kind: "section"; readonly section: Section }
  | { readonly kind: "off"; readonly name: string }
  | { readonly kind: "broken"; readonly name: string; readonly why: string }
  | { readonly kind: "other"; readonly name: string };

const listOf = <T extends z.ZodType>(one: T) => z.union([z.array(one).max(10), one]);
const text = (max: number) => z.string().trim().min(1).max(max);
const keyed = z.union([
  z.strictObject({ file: z.string() }),
  z.strictObject({ command: z.string() }),
]);

const frontmatter = z.strictObject({
  title: text(100),
  purpose: text(500).optional(),
  command: z.union([text(4000), z.array(z.string().max(4000)).min(1).max(100)]).optional(),
  file: text(500).refine(isInside, "must be a path inside the work tree").optional(),
  timeout: z.number().positive().max(60).default(5),
  size: z.int().min(100).max(20_000).default(1500),
  when: listOf(z.union([z.string(), keyed])).default([]),
  order: z.number().min(0).max(10_000).default(500),
  enabled: z.boolean().default(true),
});

/**
 * Reads the text of a section's file. Pure; never throws: a broken file is told with what is wrong
 * and, where YAML can say so, its line. Only YAML is read; other engines of frontmatter run code.
 */
export function parseSection(name: string, source: Section["source"], raw: string): ParsedSection {
  const whole = raw.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  if (!/^---[ \t]*\n/.test(whole)) {
    return /^---\S/.test(whole)
      ? {
          kind: "broken",
          name,
          why: "line 1: only YAML frontmatter is read, between two lines `---`",
        }
      : { kind: "other", name };
  }
  if (!/\n---[ \t]*(\n|$)/.test(whole)) {
    return { kind: "broken", name, why: "its frontmatter has no end: a line `---` is missing" };
  }
  try {
    const { data, content } = matter(whole, { language: "yaml", engines: onlyYaml });
    return sectionOf(name, source, data, content.trim());
  } catch (error) {
    return { kind: "broken", name, why: yamlComplaint(error) };
  }
}

function sectionOf(
  name: string,
  source: Section["source"],
  data: unknown,
  body: string,
): ParsedSection {
  if (typeof data === "object" && data !== null && "enabled" in data && data.enabled === false) {
    return { kind: "off", name };
  }
  const read = frontmatter.safeParse(data);
  if (!read.success) return { kind: "broken", name, why: complaint(read.error) };
  const { title, purpose, command, file, timeout, size, order, when } = read.data;
  const wanted = (Array.isArray(when) ? when : [when]).map(conditionText);
  const conditions = wanted.map(parseCondition);
  const wrong = conditions.indexOf(undefined);
  if (wrong !== -1) {
    const shown = JSON.stringify(oneLine(wanted[wrong] ?? "").slice(0, 80));
    return { kind: "broken", name, why: `\`when\`: ${shown} is not one of ${conditionWords}` };
  }
  return {
    kind: "section",
    section: {
      name,
      source,
      title: oneLine(title),
      purpose: purpose === undefined ? undefined : oneLine(purpose),
      command: typeof command === "string" ? ["sh", "-c", command] : command,
      file,
      timeoutMs: timeout * 1000,
      size,
      when: conditions.filter((one) => one !== undefined),
      order,
      body,
    },
  };
}

function conditionText(one: string | z.output<typeof keyed>): string {
  if (typeof one === "string") return one;
  return "file" in one ? `file: ${one.file}` : `command: ${one.command}`;
}

function refuse(): never {
  throw new Error("only YAML frontmatter is read");
}
const refused = { parse: refuse };
const onlyYaml = { javascript: refused, js: refused, coffee: refused, json: refused };

function complaint(error: z.ZodError): string {
  const said = error.issues.slice(0, 3).map((issue) => {
    const at = issue.path.length === 0 ? "" : `\`${issue.path.join(".")}\`: `;
    return `${at}${issue.message}`;
  });
  return oneLine(said.join("; ")).slice(0, 300);
}

/** js-yaml counts lines from 0, and what it is given begins behind the first `---`. */
function yamlComplaint(error: unknown): string {
  const { reason, mark } = error as { reason?: unknown; mark?: { line?: unknown } };
  const words = typeof reason === "string" ? reason : error instanceof Error ? error.message : "";
  const line = typeof mark?.line === "number" ? `line ${mark.line + 1}: ` : "";
  return `${line}${oneLine(words).slice(0, 200) || "its frontmatter cannot be read"}`;
}
