import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../support/sources.ts";

type Needs = Readonly<Record<string, string>>;

/** A package as a lockfile or a `package.json` has it. */
interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Needs;
  readonly devDependencies?: Needs;
  readonly optionalDependencies?: Needs;
}

type Places = Readonly<Record<string, Entry>>;

function read<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(root, ...path), "utf8")) as T;
}

/** What Node would find of that name from a package's place, by the lockfile's places. */
function found(places: Places, from: string, name: string): Entry | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
    const entry = places[`${at}${at === "" ? "" : "/"}node_modules/${name}`];
    if (entry !== undefined || at === "") return entry;
  }
}

/** Platform packages are asked for by exact version; whether ranges fit is npm's to say. */
function fits(entry: Entry | undefined, range: string): boolean {
  return entry !== undefined && (!/^\d+\.\d+\.\d+$/.test(range) || entry.version === range);
}

describe.each([".", "tools/official", "tools/clients"])("the lockfile of %s", (folder) => {
  const { packages } = read<{ packages: Places }>(folder, "package-lock.json");

  // `npm ci` refuses the whole lockfile for one that is not there, also for another platform's.
  it("names every package that another one needs, on any platform", () => {
    const missing = Object.entries(packages).flatMap(([place, entry]) =>
      Object.entries({ ...entry.dependencies, ...entry.optionalDependencies })
        .filter(([name, range]) => !fits(found(packages, place, name), range))
        .map(([name, range]) => `${place} needs ${name} ${range}`),
    );
    expect(missing).toEqual([]);
  });

  it("is that of its package.json", () => {
    const needs = ({ dependencies, devDependencies, optionalDependencies }: Entry) => ({
      dependencies,
      devDependencies,
      optionalDependencies,
    });
    expect(needs(packages[""] ?? {})).toEqual(needs(read<Entry>(folder, "package.json")));
  });

  it("leaves it to whoever installs where packages come from", () => {
    const sources = Object.values(packages).flatMap(({ resolved }) => resolved ?? []);
    expect(sources.filter((source) => source.includes(":"))).toEqual([]);
  });
});
