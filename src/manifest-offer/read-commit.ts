import type { Git } from "../git/git.ts";
import type { Listing } from "./lane.ts";

/** The files whose text detection may ask for; everything else is known by its path alone. */
const readNames =
  /(^|\/)(package\.json|Cargo\.toml|pytest\.ini|\.pytest\.ini|pyproject\.toml|tox\.ini|setup\.cfg)$|^(pnpm-workspace\.yaml|GNUmakefile|[Mm]akefile|\.?justfile|Justfile|JUSTFILE)$/;

const maxFiles = 2_000;
const maxFileBytes = 512 * 1024;

interface Blob {
  readonly path: string;
  readonly id: string;
}

/** A commit's files as detection sees them. The work tree is not looked at. */
export async function readCommit(git: Git, commit: string, signal?: AbortSignal): Promise<Listing> {
  const { stdout } = await git.run(
    { args: ["ls-tree", "-r", "-z", "--full-tree", `${commit}^{tree}`] },
    signal,
  );
  const blobs = parseTree(stdout);
  const texts = await readBlobs(
    git,
    blobs.filter((blob) => readNames.test(blob.path)).slice(0, maxFiles),
    signal,
  );
  return { paths: blobs.map((blob) => blob.path), read: (path) => texts.get(path) };
}

/** Records of `ls-tree -z`: `MODE TYPE ID<tab>PATH`, symbolic links and submodules left out. */
function parseTree(stdout: string): Blob[] {
  return stdout.split("\0").flatMap((record) => {
    const found = /^100(?:644|755) blob ([0-9a-f]+)\t([\s\S]+)$/.exec(record);
    return found?.[1] === undefined || found[2] === undefined
      ? []
      : [{ id: found[1], path: found[2] }];
  });
}

async function readBlobs(
  git: Git,
  blobs: readonly Blob[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  if (blobs.length === 0) return texts;
  const input = blobs.map((blob) => `${blob.id}\n`).join("");
  const sizes = await git.run({ args: ["cat-file", "--batch-check=%(objectsize)"], input }, signal);
  const small = blobs.filter((_, at) => Number(sizes.stdout.split("\n")[at]) <= maxFileBytes);
  const answer = await git.run(
    { args: ["cat-file", "--batch"], input: small.map((blob) => `${blob.id}\n`).join("") },
    signal,
  );
  for (const [at, text] of parseBatch(answer.bytes).entries()) {
    const blob = small[at];
    if (blob !== undefined && text !== undefined) texts.set(blob.path, text);
  }
  return texts;
}

/** Answers of `cat-file --batch` in order; undefined where an object is missing or not UTF-8. */
function parseBatch(bytes: Uint8Array): (string | undefined)[] {
  const texts: (string | undefined)[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(10, at);
    if (end === -1) break;
    const header = new TextDecoder().decode(bytes.subarray(at, end));
    const size = /^[0-9a-f]+ \w+ (\d+)$/.exec(header)?.[1];
    at = end + 1;
    if (size === undefined) {
      texts.push(undefined);
      continue;
    }
    texts.push(decode(bytes.subarray(at, at + Number(size))));
    at += Number(size) + 1;
  }
  return texts;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
