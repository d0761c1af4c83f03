// Bundles src/bin into dist: a tiny launcher, and behind it one bundle per kind of use. Does nothing
// when nothing changed, and may run beside itself.
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { InputOptions, OutputOptions, RolldownOutput } from "rolldown";
import { bundledPackages, noticesText } from "./notices.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const cache = join(root, "node_modules", ".cache", "forge-landing-kit");
const stampFile = join(cache, "build.json");
const inputs = [
  "src",
  "scripts/build.ts",
  "scripts/notices.ts",
  "tools/toolchain",
  "package.json",
  "package-lock.json",
];

interface Bundle {
  readonly name: string;
  /** Must parse and run on every Node that people still have. */
  readonly old?: boolean;
  readonly executable?: boolean;
}

const bundles: readonly Bundle[] = [
  { name: "land", old: true, executable: true },
  { name: "agent-brief", old: true, executable: true },
  { name: "cli" },
  { name: "mcp" },
  { name: "serve" },
  { name: "brief" },
];

interface Stamp {
  readonly inputs: string;
  /** Every file of dist with its size. */
  readonly outputs: Readonly<Record<string, number>>;
}

/** Builds unless dist is what these inputs gave last time. */
async function build(): Promise<void> {
  const fingerprint = fingerprintOf(inputs);
  if (isUpToDate(fingerprint)) return;
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, "staging-"));
  try {
    const present = bundles.filter(({ name }) => existsSync(entryFile(name)));
    const made = await Promise.all(present.map((bundle) => bundleInto(staging, bundle)));
    const packages = bundledPackages(made.flatMap((output) => output.output));
    writeFileSync(join(staging, "THIRD-PARTY-NOTICES.txt"), noticesText(packages));
    const outputs = publish(staging, new Set(present.map(({ name }) => `${name}.js`)));
    writeAtomically(stampFile, JSON.stringify({ inputs: fingerprint, outputs } satisfies Stamp));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function entryFile(name: string): string {
  return join(root, "src", "bin", `${name}.ts`);
}

async function bundleInto(staging: string, bundle: Bundle): Promise<RolldownOutput> {
  const { rolldown } = await import("rolldown");
  const input: InputOptions = {
    input: { [bundle.name]: entryFile(bundle.name) },
    cwd: root,
    platform: "node",
    external: [/^node:/],
    // Its main file hides its own parts from a bundler.
    resolve: { alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" } },
    transform: { target: bundle.old === true ? "node18" : "node22" },
    tsconfig: join(root, "tsconfig.json"),
    onLog(level, log) {
      if (level !== "info" && log.code !== "EVAL") throw new Error(log.message);
    },
  };
  const output: OutputOptions = {
    dir: staging,
    format: "esm",
    entryFileNames: "[name].js",
    // One file per bundle: fewer to find and read at each start.
    codeSplitting: false,
    comments: { legal: false, annotation: false, jsdoc: false },
    // Names stay, so that an error report can be read; there is less to store and to parse.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  };
  const made = await rolldown(input);
  try {
    const written = await made.write(output);
    if (bundle.executable === true) chmodSync(join(staging, `${bundle.name}.js`), 0o755);
    return written;
  } finally {
    await made.close();
  }
}

/**
 * Moves what was built into dist file by file, entries last, so that a command that starts meanwhile
 * never sees half of a build; then drops what is left of older builds. Answers dist's files.
 */
function publish(staging: string, entries: ReadonlySet<string>): Record<string, number> {
  const files = filesBelow(staging).map((path) => relative(staging, path));
  files.sort((a, b) => Number(entries.has(a)) - Number(entries.has(b)));
  const outputs: Record<string, number> = {};
  for (const file of files) {
    const to = join(dist, file);
    mkdirSync(dirname(to), { recursive: true });
    renameSync(join(staging, file), to);
    outputs[file] = statSync(to).size;
  }
  for (const path of filesBelow(dist)) {
    if (outputs[relative(dist, path)] === undefined) rmSync(path, { force: true });
  }
  return outputs;
}

function isUpToDate(fingerprint: string): boolean {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, "utf8")) as Stamp;
    return (
      stamp.inputs === fingerprint &&
      Object.entries(stamp.outputs).every(
        ([file, size]) => statSync(join(dist, file)).size === size,
      )
    );
  } catch {
    return false;
  }
}

/** Changes whenever a file below these paths is added, removed or written. */
function fingerprintOf(paths: readonly string[]): string {
  const hash = createHash("sha256").update(process.version);
  for (const path of paths.flatMap((from) => filesBelow(join(root, from))).sort()) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest("hex");
}

function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

await build();
