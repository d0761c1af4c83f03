// Writes the documents that are made of the code, or with --check tells which are not up to date.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleDocument, bundlePaths } from "./bundles.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Every generated document, by its path. */
const documents: Readonly<Record<string, () => Promise<string>>> = {
  "docs/cli.md": async () => (await import("./cli-doc.ts")).cliDocument(),
  "docs/tools.md": async () => (await import("./tools-doc.ts")).toolsDocument(),
  "docs/openapi.json": async () => {
    const { openapiDocument } = await import("./openapi.ts");
    return `${JSON.stringify(openapiDocument(), null, 2)}\n`;
  },
  ...Object.fromEntries(bundlePaths.map((path) => [path, async () => bundleDocument(path)])),
};

/** Paths of the documents that differ from what the code says, with what they should be. */
export async function outdatedDocuments(): Promise<ReadonlyMap<string, string>> {
  const outdated = new Map<string, string>();
  for (const [path, make] of Object.entries(documents)) {
    const wanted = await make();
    if (readIfThere(join(root, path)) !== wanted) outdated.set(path, wanted);
  }
  return outdated;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

async function main(): Promise<void> {
  const outdated = await outdatedDocuments();
  if (process.argv.includes("--check")) {
    if (outdated.size === 0) return;
    console.error(`Not up to date: ${[...outdated.keys()].join(", ")}. Run \`npm run generate\`.`);
    process.exitCode = 1;
    return;
  }
  for (const [path, text] of outdated) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
    console.log(`wrote ${path}`);
  }
}

if (import.meta.main) await main();
