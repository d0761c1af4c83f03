import type { Command } from "commander";
import { LandError } from "../../domain/errors.ts";
import { type Call, done, type Face } from "../face.ts";
import type { Services } from "../services.ts";

const maxValueBytes = 64 * 1024;

/** `land env`: values that lanes may ask for by name. Only the owner's settings hold them. */
export function addEnv(
  command: Command,
  sub: (name: string) => Command,
  faceOf: (command: Command) => Face,
  { local }: Services,
): void {
  command.description(
    "Values that lanes get where the manifest asks for them by name. They are kept outside the repository.",
  );
  const list = sub("list").description(
    "Lists the names, as `land env` alone does; values are never shown.",
  );
  list.action(() =>
    faceOf(list)(async (call) => {
      const names = await local.env.list(call.options.worktree);
      return done({ names }, names.length === 0 ? "No values are set." : names.join("\n"));
    }),
  );
  const set = sub("set")
    .description("Sets a value, read from standard input or asked for at a terminal.")
    .argument("<name>", "Such as NPM_TOKEN.")
    .argument("[value]", "Better left out: others can see a command line, and shells remember it.");
  set.action((name: string, value: string | undefined) =>
    faceOf(set)(async (call) => {
      requireName(name);
      const read =
        value === undefined ? await readValue(call, name) : onTheCommandLine(call, value);
      await local.env.set(call.options.worktree, name, read);
      return done({ name, state: "set" }, `${name} is set; lanes that name it in \`env\` get it.`);
    }),
  );
  const unset = sub("unset")
    .description("Removes a value.")
    .argument("<name>", "A name that was set.");
  unset.action((name: string) =>
    faceOf(unset)(async (call) => {
      const was = await local.env.unset(call.options.worktree, name);
      return done(
        { name, state: "unset", was_set: was },
        was ? `${name} is no longer set.` : `${name} was not set.`,
      );
    }),
  );
}

function requireName(name: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  throw new LandError("bad_argument", "That is no name of a variable.", {
    state: "Nothing was set.",
    next: "Use letters, digits and underscores: `land env set NPM_TOKEN`; the value is asked for.",
  });
}

function onTheCommandLine(call: Call, value: string): string {
  call.terminal.err(
    "Warning: a value on the command line can be seen by others and is kept by shells. Leave it out to be asked for it.\n",
  );
  return value;
}

async function readValue(call: Call, name: string): Promise<string> {
  const asked = call.terminal.canAsk
    ? await call.terminal.ask(`Value of ${name} (not shown): `, {
        hidden: true,
        signal: call.signal,
      })
    : (await call.terminal.readAll(maxValueBytes))?.replace(/\r?\n$/, "");
  if (asked !== undefined && asked !== "") return asked;
  throw new LandError("bad_argument", `There is no value for ${name}.`, {
    state: "Nothing was set.",
    next: `Give it on standard input (at most 64 KiB): \`land env set ${name} < file\`.`,
  });
}
