import { protocolVersion } from "../contract/forge.ts";

/** How a running forge's version stands to ours. Pure. */
export type VersionFit = "fits" | "older" | "too_new";

/**
 * An older forge is to give way to ours. A newer one of our protocol serves us as well; a newer
 * protocol does not.
 */
export function versionFit(
  running: { version: string; protocol: number },
  own: { version: string; protocol?: number },
): VersionFit {
  const protocol = own.protocol ?? protocolVersion;
  if (running.protocol > protocol) return "too_new";
  if (running.protocol < protocol) return "older";
  return compareVersions(running.version, own.version) < 0 ? "older" : "fits";
}

/** Compares versions by number; a pre-release comes before its release. What is no version is equal. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  if (left === undefined || right === undefined) return 0;
  for (let i = 0; i < 3; i += 1) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === "") return 1;
  if (right.pre === "") return -1;
  return left.pre < right.pre ? -1 : 1;
}

function parse(version: string): { numbers: number[]; pre: string } | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(version.trim());
  if (match === null) return undefined;
  return { numbers: match.slice(1, 4).map(Number), pre: match[4] ?? "" };
}
