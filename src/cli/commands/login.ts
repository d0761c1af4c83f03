import type { Command } from "commander";
import { type Call, done, type Face } from "../face.ts";
import type { LoginFacts, Services } from "../services.ts";

interface LoginOptions {
  readonly baseUrl?: string;
  readonly nsecFile?: string;
}

/** `land login`: a session for a hosted forge, or a fresh one for the local forge. */
export function addLogin(command: Command, face: Face, { logins }: Services): void {
  command
    .description("Logs in to a forge with a Nostr key and keeps the session.")
    .option("--base-url <url>", "A hosted forge; default: the one this work tree belongs to.")
    .option(
      "--nsec-file <file>",
      "The file that holds the key; default: asked for, or standard input.",
    )
    .action(() =>
      face(async (call) => {
        const options = command.opts<LoginOptions>();
        const request = {
          path: call.options.worktree,
          baseUrl: options.baseUrl,
          nsecFile: options.nsecFile,
        };
        const facts = await logins.login(request, () => readSecret(call), call.signal);
        return done({ state: "logged_in", ...viewOf(facts) }, `Logged in. ${wordsOf(facts)}`);
      }),
    );
}

/** `land logout`: forgets the session. */
export function addLogout(command: Command, face: Face, { logins }: Services): void {
  command
    .description("Forgets the session of a forge.")
    .option("--base-url <url>", "A hosted forge; default: the one this work tree belongs to.")
    .action(() =>
      face(async (call) => {
        const { baseUrl } = command.opts<LoginOptions>();
        const forges = await logins.logout({ path: call.options.worktree, baseUrl });
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
      const worktree = await services.openWorktree(call.options.worktree);
      const forge = await worktree.forge(call.signal);
      const facts = { forge: forge.name, ...(await forge.identity(call.signal)) };
      return done({ worktree: worktree.path, ...viewOf(facts) }, wordsOf(facts));
    }),
  );
}

async function readSecret(call: Call): Promise<string | undefined> {
  const given = call.terminal.canAsk
    ? await call.terminal.ask("Key (nsec or hex, not shown): ", {
        hidden: true,
        signal: call.signal,
      })
    : await call.terminal.readAll(4096);
  return given?.trim() === "" ? undefined : given?.trim();
}

function viewOf(facts: LoginFacts): Record<string, unknown> {
  const { forge, npub, admin, canLand } = facts;
  return { forge, npub, admin, can_land: canLand };
}

function wordsOf(facts: LoginFacts): string {
  const rights = [facts.admin ? "owner" : undefined, facts.canLand ? "may land" : "may only read"];
  return `${facts.npub} on ${facts.forge}: ${rights.filter((right) => right !== undefined).join(", ")}`;
}
