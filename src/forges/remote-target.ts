import type { Git } from "../git/git.ts";
import { remoteName, shortBranch } from "../git/refs.ts";

/** The default branch of a remote: as git noted it, else as the remote says; undefined where neither. */
export async function targetOfRemote(
  git: Git,
  remote: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const folder = `refs/remotes/${remoteName(remote)}/`;
  const noted = await git.run(
    { args: ["symbolic-ref", "--quiet", `${folder}HEAD`], answers: [0, 1] },
    signal,
  );
  const ref = noted.stdout.trim();
  if (noted.exitCode === 0 && ref.startsWith(folder)) return ref.slice(folder.length);
  try {
    const said = await git.text(["ls-remote", "--symref", remoteName(remote), "HEAD"], signal);
    return parseHeadOfRemote(said);
  } catch {
    // Whatever needs the target says that it is not known.
    return undefined;
  }
}

/** Reads the branch out of `ls-remote --symref <remote> HEAD`. Pure. */
function parseHeadOfRemote(said: string): string | undefined {
  const line = /^ref: (\S+)\tHEAD$/m.exec(said);
  return line?.[1] === undefined ? undefined : shortBranch(line[1]);
}
