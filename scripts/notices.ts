import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputAsset, OutputChunk } from "rolldown";

/** A package whose code is part of a bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The texts it wants to be passed on, from its own files. */
  readonly texts: readonly string[];
}

/** The packages that bundles hold code of, by name. Fails where one names no licence at all. */
export function bundledPackages(output: readonly (OutputChunk | OutputAsset)[]): BundledPackage[] {
  const folders = new Set<string>();
  for (const chunk of output) {
    if (chunk.type !== "chunk") continue;
    for (const id of chunk.moduleIds) {
      const folder = packageFolder(id.replace(/^\0/, ""));
      if (folder !== undefined) folders.add(folder);
    }
  }
  return [...folders]
    .map((folder) => describePackage(folder))
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

function packageFolder(id: string): string | undefined {
  return /^.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+(?=[/\\])/.exec(id)?.[0];
}

function describePackage(folder: string): BundledPackage {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)([.-]|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  const license = about.license ?? (texts.length > 0 ? "see below" : undefined);
  if (license === undefined) {
    throw new Error(`${about.name} is bundled but names no licence.`);
  }
  return { name: about.name, version: about.version, license, texts };
}

/** The notices of all bundled packages as one text. */
export function noticesText(packages: readonly BundledPackage[]): string {
  const parts = packages.map(({ name, version, license, texts }) =>
    [`${name} ${version} (${license})`, ...texts].join("\n\n"),
  );
  const heading =
    "The files beside this one hold code of the packages below, under their own licences.";
  return `${[heading, ...parts].join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
