import { type Command, Option } from "commander";
import { LandError } from "../../domain/errors.ts";
import { type Answer, type Call, done, type Face } from "../face.ts";
import type { ContextOf } from "../operation-command.ts";
import type { GivenKey, LoginFacts, LoginPlace, Services } from "../services.ts";

interface LoginOptions {
  readonly nsec?: string;
  readonly nsecFile?: string;
  readonly bunker?: string;
  readonly bunkerFile?: string;
  readonly as?: string;
  /** Undefined: share the session unless another forge's is there. */
  readonly ph?: boolean;
}

const maxSecretBytes = 16 * 1024;
const onlyOne = ["nsec", "nsecFile", "bunker", "bunkerFile"];

/** `land login`: a session for a hosted forge, or a fresh one for the local forge. */
export function addLogin(
  command: Command,
  face: Face,
  { logins }: Services,
  contextOf: ContextOf,
): void {
  addPlace(command).description(
    "Logs in to a forge with a Nostr key or a remote signer and keeps the session. At a hosted forge the key is one of these options, else LAND_NSEC, else the remote signer of the login before, else asked for, else standard input.",
  );
  const source = (flags: string, description: string, name: string) =>
    command.addOption(
      new Option(flags, description).conflicts(onlyOne.filter((other) => other !== name)),
    );
  source(
    "--nsec-file <file>",
    "The file that holds the key (nsec or hex); - reads standard input.",
    "nsecFile",
  );
  source(
    "--nsec <key>",
    "Better left out: others can see a command line, and shells remember it.",
    "nsec",
  );
  source(
    "--bunker <address>",
    "A remote signer (NIP-46), bunker://…, which keeps the key; - reads standard input, since the address holds a secret.",
    "bunker",
  );
  source("--bunker-file <file>", "The file that holds the signer's address.", "bunkerFile");
  command
    .option(
      "--as <name>",
      "Local forge: give this work tree an agent's own key; the owner lets it in.",
    )
    .option("--ph", "Replace the reference client's session even if it is another forge's.")
    .option("--no-ph", "Leave the reference client's session as it is.")
    .action(() =>
      face(async (call) => {
        const options = command.opts<LoginOptions>();
        const request = {
          ...placeOf(call),
          key: await givenKey(call, options),
          as: options.as,
          share: options.ph === undefined ? "unless_other" : options.ph ? "replace" : "never",
        } as const;
        const person = {
          secret: () => readSecret(call),
          confirm: contextOf(call).confirm,
          say: (line: string) => call.terminal.err(`${line}\n`),
        };
        return answerOf(await logins.login(request, person, call.signal));
      }),
    );
}

/** `land logout`: forgets the session. */
export function addLogout(command: Command, face: Face, { logins }: Services): void {
  addPlace(command)
    .description(
      "Forgets the session of a forge, ours and the reference client's, and ends its token where the forge can. A work tree that spoke as a named agent goes back to the shared one.",
    )
    .action(() =>
      face(async (call) => {
        const forges = await logins.logout(placeOf(call), call.signal);
        return forges.length === 0
          ? done({ state: "not_logged_in", forges }, "There was no session.")
          : done({ state: "logged_out", forges }, `Logged out of ${forges.join(", ")}.`);
      }),
    );
}

/** `land whoami`: who the forge takes us for. */
export function addWhoami(command: Command, face: Face, services: Services): void {
  command.description("Shows who the forge takes this work tree's key for.").action(() =>
    face(async (call) => {
      const worktree = await services.openWorktree(call.options.worktree, call.options.named);
      const forge = await worktree.forge(call.signal);
      const identity = await forge.identity(call.signal);
      const facts = { forge: forge.name, as: worktree.agent, notes: [], ...identity };
      return done({ worktree: worktree.path, ...viewOf(facts) }, wordsOf(facts));
    }),
  );
}

function addPlace(command: Command): Command {
  return command
    .option("--base-url <url>", "A hosted forge; default: the one this work tree belongs to.")
    .option(
      "--state-dir <folder>",
      "Where the reference client keeps its session; default: its own place.",
    );
}

function placeOf({ options }: Call): LoginPlace {
  return { path: options.worktree, ...options.named };
}

async function givenKey(call: Call, options: LoginOptions): Promise<GivenKey | undefined> {
  const { nsec, nsecFile, bunker, bunkerFile } = options;
  if (nsec !== undefined) return { kind: "key", text: onTheCommandLine(call, nsec, "--nsec-file") };
  if (nsecFile !== undefined) {
    return { kind: "key", ...(nsecFile === "-" ? await fromInput(call) : { file: nsecFile }) };
  }
  if (bunkerFile !== undefined) {
    return {
      kind: "bunker",
      ...(bunkerFile === "-" ? await fromInput(call) : { file: bunkerFile }),
    };
  }
  if (bunker === undefined) return undefined;
  if (bunker === "-") return { kind: "bunker", ...(await fromInput(call)) };
  const hasSecret = /[?&]secret=/.test(bunker);
  return { kind: "bunker", text: hasSecret ? onTheCommandLine(call, bunker, "--bunker") : bunker };
}

function onTheCommandLine(call: Call, value: string, instead: string): string {
  call.terminal.err(
    `Warning: a secret on the command line can be seen by others and is kept by shells. Use \`${instead} -\` and standard input.\n`,
  );
  return value;
}

async function fromInput(call: Call): Promise<{ text: string }> {
  const text = await readSecret(call);
  if (text !== undefined) return { text };
  throw new LandError("bad_argument", "Standard input held no key.", {
    state: "Nothing was sent.",
    next: "Give the key there, such as `land login --nsec-file - < FILE`.",
  });
}

async function readSecret(call: Call): Promise<string | undefined> {
  const given = call.terminal.canAsk
    ? await call.terminal.ask("Key (nsec or hex) or bunker:// address, not shown: ", {
        hidden: true,
        signal: call.signal,
      })
    : await call.terminal.readAll(maxSecretBytes);
  return given?.trim() === "" ? undefined : given?.trim();
}

function answerOf(facts: LoginFacts): Answer {
  const waits = facts.approval === "needed";
  const state = waits ? "approval_needed" : "logged_in";
  const notes = facts.notes.length === 0 ? {} : { notes: facts.notes };
  const words = waits
    ? `${facts.as} has a key here, ${facts.npub}.`
    : `Logged in. ${wordsOf(facts)}`;
  return {
    facts: { state, ...viewOf(facts), ...notes },
    text: [words, ...facts.notes].join("\n"),
    ending: waits ? "refused" : "ok",
  };
}

function viewOf(facts: LoginFacts): Record<string, unknown> {
  const { forge, npub, name, admin, canLand, as } = facts;
  return {
    forge,
    npub,
    ...(name === undefined ? {} : { name }),
    ...(as === undefined ? {} : { as }),
    admin,
    can_land: canLand,
  };
}

function wordsOf(facts: LoginFacts): string {
  const who = facts.as === undefined ? facts.npub : `${facts.as} (${facts.npub})`;
  return `${who} on ${facts.forge}: ${rightsOf(facts)}`;
}

function rightsOf({ admin, canLand, canRead }: LoginFacts): string {
  if (canRead === false) return "has no rights any more";
  const rights = [admin ? "owner" : undefined, canLand ? "may land" : "may only read"];
  return rights.filter((right) => right !== undefined).join(", ");
}
