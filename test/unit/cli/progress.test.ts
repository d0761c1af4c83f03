import { describe, expect, it } from "vitest";
import { cutLine, progressOn } from "../../../src/cli/progress.ts";
import { scriptedTerminal } from "../../support/cli-in-process.ts";

describe("progress", () => {
  it("writes each new step as one plain line where nobody watches", () => {
    const terminal = scriptedTerminal();
    const progress = progressOn(terminal);
    for (const step of ["fetching", "fetching", "evil\x1b[2J\nstep", ""]) progress.show(step);
    progress.stop();
    expect(terminal.written.err).toBe("fetching\nevil step\n");
  });

  it("keeps finished steps as lines at a terminal, with the seconds they took", () => {
    const terminal = scriptedTerminal({ live: true });
    let now = 0;
    const progress = progressOn(terminal, () => now);
    progress.show("fetching");
    now = 2500;
    progress.show("waiting for CI");
    progress.stop();
    progress.stop();
    const lines = terminal.written.err.replaceAll("\x1b[K", "").split("\n");
    expect(lines.map((line) => line.split("\r").at(-1))).toEqual([
      "  fetching (2 s)",
      "  waiting for CI",
      "",
    ]);
  });

  it.each([
    ["short", 80, "short"],
    ["0123456789abc", 12, "0123456789a~"],
    ["größer als", 30, "größer als"],
    ["日本語日本語日本語", 12, "日本語日本~"],
  ])("cuts %j to %i columns", (line, columns, cut) => {
    expect(cutLine(line, columns)).toBe(cut);
  });
});
