import type { Command } from "commander";
import { parseRoadmap } from "../../roadmap/parse.ts";
import { renderProblems, renderRoadmap, roadmapView } from "../../roadmap/render.ts";
import type { Face } from "../face.ts";
import type { Services } from "../services.ts";

/** `land roadmap`: what the repository's roadmap leaves open. */
export function addRoadmap(command: Command, face: Face, services: Services): void {
  command
    .description(
      "Lists what the repository's roadmap leaves open, by workstream. The file is todos/pika-git.md, or what git config land.roadmap names; what is wrong with it is told with its line, and ends with 1.",
    )
    .option("--all", "Also what is done or dropped, each in full.")
    .action(() =>
      face(async (call) => {
        const { path, text } = await services.readRoadmap(call.options.worktree, call.signal);
        const view = roadmapView(path, parseRoadmap(text), command.opts().all === true);
        if (!call.options.json) call.terminal.err(renderProblems(view));
        const ending = view.problems.length === 0 ? "ok" : "error";
        return { facts: view, text: renderRoadmap(view), ending, verbatim: true };
      }),
    );
}
