/** Finding what a Markdown text names in code marks: commands, tools, flags, paths. Pure. */

/** A piece of code in a text: what stands between code marks, or a command line of a block. */
export interface Piece {
  readonly text: string;
  readonly line: number;
}

/** A command that a text names, as words. */
export interface NamedCommand {
  /** `land`, `agent-brief`, `npm`, `ph`, `git` or any other. */
  readonly program: string;
  readonly words: readonly string[];
  readonly line: number;
}

/** Blocks in other languages are no command lines. */
const shellBlocks = new Set(["", "sh", "bash", "console", "shell"]);

/** Every piece of code in a text, in order. Blocks count line by line, where they hold commands. */
export function codePieces(markdown: string): Piece[] {
  const pieces: Piece[] = [];
  let block: string | undefined;
  let continued = "";
  for (const [at, line] of markdown.split("\n").entries()) {
    const fence = /^\s*(?:```|~~~)\s*([\w-]*)/.exec(line);
    if (fence !== null) {
      block = block === undefined ? (fence[1] ?? "") : undefined;
      continued = "";
      continue;
    }
    if (block === undefined) {
      for (const [, , text = ""] of line.matchAll(/(`+)(.+?)\1(?!`)/g)) {
        pieces.push({ text: text.replaceAll("\\|", "|").trim(), line: at + 1 });
      }
    } else if (shellBlocks.has(block)) {
      const whole = continued + line.trim();
      continued = whole.endsWith("\\") ? `${whole.slice(0, -1).trimEnd()} ` : "";
      if (continued === "" && whole !== "") pieces.push({ text: whole, line: at + 1 });
    }
  }
  return pieces;
}

/** The commands of a piece: `a && b` are two, a comment is none. */
export function commandsOf({ text, line }: Piece): NamedCommand[] {
  return text
    .replace(/(^|\s)#.*$/, "")
    .replace(/^\$ /, "")
    .split(/&&|\|\||;| \| /)
    .map((part) => program(wordsOf(part)))
    .flatMap(([name, ...words]) => (name === undefined ? [] : [{ program: name, words, line }]));
}

function wordsOf(part: string): string[] {
  const asked = part.replaceAll(/\s\d?>>?\s?\S+/g, "");
  return [...asked.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (found) => found[1] ?? found[2] ?? found[3] ?? "",
  );
}

/** Takes away what stands before a program's name, and calls a built file by its command. */
function program(words: readonly string[]): readonly string[] {
  const [first, second] = words;
  if (first === undefined) return words;
  if (/^[A-Z][A-Z0-9_]*=/.test(first)) return program(words.slice(1));
  if (first === "timeout") return program(words.slice(2));
  if (first !== "node" || second === undefined) return words;
  if (second === "tools/toolchain/run.mjs") return program(words.slice(2));
  const built = /^dist\/([\w-]+)\.js$/.exec(second)?.[1];
  return built === undefined ? words : [built, ...words.slice(2)];
}

/** Whether a word stands for something that the reader puts in. */
export function isPlaceholder(word: string): boolean {
  return /^[A-Z][A-Z0-9_-]*$/.test(word) || /[<>[\]…*]|\.\.\./.test(word);
}

/** Where the links of a text lead, as they are written, but for other sites and anchors. */
export function linksOf(markdown: string): Piece[] {
  return markdown
    .split("\n")
    .flatMap((line, at) =>
      [...line.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = ""]) => ({ text: target.replace(/#.*$/, ""), line: at + 1 }))
        .filter(({ text }) => text !== "" && !/^[a-z]+:/.test(text)),
    );
}

const ownFolders = [
  ...["src", "test", "docs", "scripts", "tools", "skills", "briefs", "todos", "bench", "dist"],
  ...["hooks", "ci", "\\.ci", "\\.(?:claude|codex|cursor)-plugin"],
].join("|");
const ownPath = new RegExp(`^(?:${ownFolders})/[\\w./-]*$`);

/** Paths of this repository in a piece of code; `ci/` is where any repository has its manifest. */
export function pathsOf({ text, line }: Piece): Piece[] {
  return text
    .split(/\s+/)
    .filter((word) => ownPath.test(word))
    .map((word) => ({ text: word.replace(/[.:]+$/, ""), line }));
}

/** A call of a tool, as skills write it: its name and its arguments as JSON. */
export interface NamedCall {
  readonly tool: string;
  readonly json: string;
}

export function toolCall({ text }: Piece): NamedCall | undefined {
  const [, tool, json] = /^([a-z]+(?:_[a-z]+)+) (\{.*\})$/.exec(text) ?? [];
  return tool === undefined || json === undefined ? undefined : { tool, json };
}

/** Arguments alone, for a tool that the sentence names. */
export function bareArguments({ text }: Piece): string | undefined {
  return /^\{.*\}$/.test(text) ? text : undefined;
}

/** A word in the form that tools, arguments, states and codes have. */
export function snakeWord({ text }: Piece): string | undefined {
  return /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/.test(text) ? text : undefined;
}
