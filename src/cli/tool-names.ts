import type { AnyOperation } from "../operations/operation.ts";

/** Operations speak of each other by their tools' names; on a command line those are commands. */
export function inCommandWords(text: string, operations: readonly AnyOperation[]): string {
  let words = text;
  for (const { faces, input } of operations) {
    if (faces.tool === undefined || faces.command === undefined) continue;
    const command = faces.command === "land" ? "land" : `land ${faces.command}`;
    words = words.replaceAll(`\`${faces.tool}\``, `\`${command}\``);
    words = words.replaceAll(new RegExp(`\`${command}\` with \`([a-z_]+)\``, "g"), (_, word) =>
      Object.hasOwn(input.shape, word)
        ? `\`${command} --${String(word).replaceAll("_", "-")}\``
        : `\`${command} ${String(word)}\``,
    );
  }
  return words;
}
