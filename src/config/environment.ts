import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { LandError } from "../domain/errors.ts";

/** What this process was started with, read once. Nothing else reads the environment. */
export interface Environment {
  /** The environment for children: all of it but the key. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** `$XDG_STATE_HOME`, else `~/.local/state`. */
  readonly stateHome: string;
  readonly cwd: string;
  /** A hosted forge named by `PH_BASE_URL`. */
  readonly baseUrl: string | undefined;
  /** The named agent that this session speaks as (`LAND_AS`), whatever its work tree says. */
  readonly agent: string | undefined;
  /** A key to log in with (`LAND_NSEC`). It is kept from children. */
  readonly nsec: string | undefined;
  /** Whether a CI system runs us, where nobody can be asked. */
  readonly isCi: boolean;
  /** Whether output should stay without colours (`NO_COLOR`). */
  readonly noColor: boolean;
}

/** Reads the process's environment. Called once, by a composition root. */
export function readEnvironment(): Environment {
  return environmentOf({ env: { ...process.env }, home: homedir(), cwd: currentFolder() });
}

/** Somebody may have removed the folder that a shell is still in; a rebase can do so. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new LandError("not_a_repository", "The current folder does not exist any more.", {
      state: "Nothing was done.",
      next: 'Go to a folder that exists (`cd "$PWD"` where it was made anew), then try again.',
      cause,
    });
  }
}

/** Makes an Environment of given parts. Blank values count as unset. */
export function environmentOf(parts: {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  cwd: string;
}): Environment {
  const value = (name: string) => {
    const text = parts.env[name]?.trim();
    return text === undefined || text === "" ? undefined : text;
  };
  const stateHome = value("XDG_STATE_HOME");
  const { LAND_NSEC: _key, ...env } = parts.env;
  return {
    env,
    home: parts.home,
    // The XDG rules say that a relative path is to be ignored.
    stateHome:
      stateHome !== undefined && isAbsolute(stateHome)
        ? stateHome
        : join(parts.home, ".local", "state"),
    cwd: parts.cwd,
    baseUrl: value("PH_BASE_URL"),
    agent: value("LAND_AS"),
    nsec: value("LAND_NSEC"),
    isCi: !["", "0", "false"].includes(value("CI")?.toLowerCase() ?? ""),
    noColor: value("NO_COLOR") !== undefined,
  };
}
