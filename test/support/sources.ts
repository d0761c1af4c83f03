import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "rolldown/parseAst";

/** The checkout's top. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** One source file, as the policy tests look at it. */
export interface Source {
  /** From the checkout's top, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** Modules it imports, re-exports or names in `import()`, types included. */
  readonly imports: readonly string[];
  /** Uses of two-part names that fences speak of, such as `process.env`, and globals like `console`. */
  readonly uses: readonly string[];
}

/** Every TypeScript file below a folder of the checkout. */
export function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map(readSource);
}

function readSource(file: string): Source {
  const text = readFileSync(file, "utf8");
  const path = relative(root, file).replaceAll("\\", "/");
  const imports: string[] = [];
  const uses: string[] = [];
  const ast = parseAst(text, { lang: path.endsWith("x") ? "tsx" : "ts" }, path);
  walk(ast, (node) => {
    const module = moduleOf(node);
    if (module !== undefined) imports.push(module);
    const use = useOf(node);
    if (use !== undefined) uses.push(use);
  });
  return { path, text, lines: text.split("\n").length - 1, imports, uses };
}

type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as Node).type === "string";
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
    return;
  }
  if (!isNode(value)) return;
  visit(value);
  for (const key in value) walk(value[key], visit);
}

const importing = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

function moduleOf(node: Node): string | undefined {
  if (!importing.has(node.type) || !isNode(node.source)) return undefined;
  return typeof node.source.value === "string" ? node.source.value : undefined;
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "Identifier" ? String(value.name) : undefined;
}

function useOf(node: Node): string | undefined {
  if (node.type !== "MemberExpression") return undefined;
  const object = nameOf(node.object);
  if (object === "console") return "console";
  if (object !== "process") return undefined;
  const literal = isNode(node.property) ? node.property.value : undefined;
  const property = nameOf(node.property) ?? (typeof literal === "string" ? literal : "?");
  return `process.${property}`;
}

/** The folder below `src/` that a file belongs to, such as `git`. */
export function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** Which source file a relative import of another names, from the checkout's top. */
export function resolveImport(from: string, module: string): string | undefined {
  if (!module.startsWith(".")) return undefined;
  return join(dirname(from), module).replaceAll("\\", "/");
}
