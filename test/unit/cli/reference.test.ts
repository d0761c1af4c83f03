import { expect, it } from "vitest";
import { cliDocument } from "../../../scripts/cli-doc.ts";
import { exitCodes } from "../../../src/cli/exit-codes.ts";
import { catalogue } from "../../../src/operations/catalogue.ts";

const document = cliDocument();

it("names every command, and no option of this kit's own use", () => {
  const commands = [
    ...catalogue.flatMap(({ faces }) => (faces.command === undefined ? [] : [faces.command])),
    ...["init", "serve", "stop", "url", "login", "whoami", "logout", "env", "doctor", "mcp"],
  ].filter((command) => command !== "land");
  for (const command of commands)
    expect(document).toMatch(new RegExp(`^## \`land ${command}\\b`, "m"));
  expect(document).toMatch(/^## `land \[options\]`$/m);
  expect(document).not.toContain("--detached");
});

it("gives every option a description", () => {
  expect(document.match(/^\| `[^|]*` \| +\|$/gm)).toBeNull();
});

it("holds the whole table of exit codes, each once", () => {
  const codes = Object.values(exitCodes).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(document).toContain(`\n| ${code} | `);
});
