import { oneLine } from "../text/control.ts";
import { fitToShow } from "../text/untrusted.ts";
import type { Section } from "./section.ts";
import type { Choice } from "./sections.ts";

/** The sections with where they come from and what they run, without running any. Pure. */
export function renderList(
  choice: Choice,
  whyNot: (section: Section) => string | undefined,
): { text: string; facts: object } {
  const views = choice.sections.map((section) => viewOf(section, whyNot(section)));
  const lines = views.map((view) =>
    [
      `${view.name} · ${view.title} · from ${view.source === "kit" ? "the kit" : "this repository"}`,
      view.not_here !== undefined && `not shown here: ${view.not_here}`,
      view.command !== undefined && `runs: ${oneLine(view.command.join(" ")).slice(0, 200)}`,
      view.file !== undefined && `shows: ${view.file}`,
      `at most ${view.size} characters, ${view.timeout} s`,
    ]
      .filter((part) => part !== false)
      .join(" · "),
  );
  const broken = choice.broken.map(({ name, why }) => `${name} · broken: ${why}`);
  const text = ["Sections of the brief, in their order:", "", ...lines, ...broken];
  return {
    text: `${fitToShow(text.join("\n"))}\n`,
    facts: { sections: views, broken: choice.broken, replaced: choice.replaced },
  };
}

function viewOf(section: Section, notHere: string | undefined) {
  const { name, title, purpose, source, command, file, size, order } = section;
  return {
    name,
    title,
    purpose,
    source,
    order,
    command,
    file,
    size,
    timeout: section.timeoutMs / 1000,
    not_here: notHere,
  };
}
