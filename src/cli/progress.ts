import { oneLine } from "../text/control.ts";
import type { Terminal } from "./terminal.ts";

/** Shows what goes on while a command works. */
export interface Progress {
  show(message: string): void;
  /** Ends the moving line, so that something else can be written; a later message begins anew. */
  stop(): void;
}

export const silent: Progress = { show: () => {}, stop: () => {} };

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;

/**
 * Progress on standard error. At a terminal each step stays as a line and the current one moves,
 * with the seconds it has taken; elsewhere each new step is one plain line.
 */
export function progressOn(terminal: Terminal, now: () => number = Date.now): Progress {
  return terminal.live ? movingLine(terminal, now) : plainLines(terminal);
}

function plainLines(terminal: Terminal): Progress {
  let last: string | undefined;
  return {
    show(message) {
      const line = oneLine(message);
      if (line === "" || line === last) return;
      last = line;
      terminal.err(`${line}\n`);
    },
    stop() {
      last = undefined;
    },
  };
}

function movingLine(terminal: Terminal, now: () => number): Progress {
  let current: { readonly text: string; readonly since: number } | undefined;
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;
  const seconds = (since: number) => {
    const passed = Math.floor((now() - since) / 1000);
    return passed < 1 ? "" : ` (${passed} s)`;
  };
  const draw = () => {
    if (current === undefined) return;
    frame = (frame + 1) % frames.length;
    const line = `${frames[frame]} ${current.text}${seconds(current.since)}`;
    terminal.err(`\r${cutLine(line, terminal.columns() - 1)}\x1b[K`);
  };
  const finish = () => {
    if (current === undefined) return;
    const line = `  ${current.text}${seconds(current.since)}`;
    terminal.err(`\r${cutLine(line, terminal.columns() - 1)}\x1b[K\n`);
  };
  return {
    show(message) {
      const text = oneLine(message);
      if (text === "" || text === current?.text) return;
      finish();
      current = { text, since: now() };
      timer ??= setInterval(draw, frameMs).unref();
      draw();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
      finish();
      current = undefined;
    },
  };
}

/** Cuts a line to a number of columns; anything outside ASCII counts as two, so it never wraps. */
export function cutLine(line: string, columns: number): string {
  const room = Math.max(columns, 10);
  const fitted: string[] = [];
  let used = 0;
  for (const character of line) {
    used += character.length === 1 && character.charCodeAt(0) < 0x80 ? 1 : 2;
    if (used > room) return `${fitted.slice(0, -1).join("")}~`;
    fitted.push(character);
  }
  return line;
}
