import { z } from "zod";
import { inside, type Listing } from "./lane.ts";

const words = z.record(z.string(), z.string()).catch({});

/** Other people's package.json: whatever is not as expected counts as absent. */
const packageJson = z.object({
  name: z.string().optional().catch(undefined),
  scripts: words,
  dependencies: words,
  devDependencies: words,
  peerDependencies: words,
  optionalDependencies: words,
  packageManager: z.string().optional().catch(undefined),
  workspaces: z
    .union([z.array(z.string()), z.object({ packages: z.array(z.string()) })])
    .optional()
    .catch(undefined),
});

export interface NodePackage {
  /** Empty for the repository's own. */
  readonly folder: string;
  readonly name: string | undefined;
  readonly scripts: Readonly<Record<string, string>>;
  /** Names of everything it depends on. */
  readonly dependencies: readonly string[];
  readonly packageManager: string | undefined;
  /** Globs of its workspaces. */
  readonly workspaces: readonly string[];
}

/** A folder's package.json; undefined where there is none that can be read. */
export function readPackage(listing: Listing, folder: string): NodePackage | undefined {
  const text = listing.read(inside(folder, "package.json"));
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = packageJson.safeParse(json);
  if (!parsed.success) return undefined;
  const found = parsed.data;
  return {
    folder,
    name: found.name,
    scripts: found.scripts,
    dependencies: [
      found.dependencies,
      found.devDependencies,
      found.peerDependencies,
      found.optionalDependencies,
    ].flatMap((of) => Object.keys(of)),
    packageManager: found.packageManager,
    workspaces: Array.isArray(found.workspaces)
      ? found.workspaces
      : (found.workspaces?.packages ?? []),
  };
}
