import type { Command } from "commander";
import { done, type Face } from "../face.ts";
import type { Services } from "../services.ts";
import type { EndWith } from "./long.ts";

const stateWords = "A forge's state folder; once for each forge that is served.";
const collect = (folder: string, before: readonly string[] = []) => [...before, folder];

interface KeysOptions {
  readonly state: readonly string[];
  readonly members: string;
}

/** `land authorized-keys`: the lines that sshd asks for at each connection. */
export function addAuthorizedKeys(command: Command, face: Face, { hosting }: Services): void {
  command
    .description(
      "For a forge on a server: prints the active members' SSH keys for sshd, each bound to git and its owner's npub. Lines that are no keys, and members who are not active, are left out and told.",
    )
    .requiredOption("--state <folder>", stateWords, collect)
    .requiredOption("--members <folder>", "The folder with a file NAME.keys per member.")
    .action(({ state, members }: KeysOptions) =>
      face(async (call) => {
        const { lines, skipped } = await hosting.authorizedKeys({ states: state, members });
        for (const { file, line, why } of skipped) {
          call.terminal.err(`${file}${line === 0 ? "" : `:${line}`}: ${why}\n`);
        }
        // sshd counts nothing that a command printed which failed, so junk never ends it so.
        return { ...done({ lines, skipped }, lines.join("\n")), verbatim: true };
      }),
    );
}

interface ShellOptions {
  readonly state: readonly string[];
  readonly npub: string;
}

/** `land git-shell`: what a member's key may do over SSH. */
export function addGitShell(command: Command, endWith: EndWith, { hosting }: Services): void {
  command
    .description(
      "For a forge on a server: serves git for one SSH connection, and nothing else. sshd starts it.",
    )
    .requiredOption("--state <folder>", stateWords, collect)
    .requiredOption("--npub <npub>", "Whose key the connection was made with.")
    .action(({ state, npub }: ShellOptions) =>
      endWith(() => hosting.gitShell({ states: state, npub })),
    );
}
