/** One element of a page, with what it holds as text. */
export interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The text in it and in its elements, with entities read. */
  text: string;
}

const empty = new Set(["meta", "br"]);
const token = /<(\/?)([a-z][a-z0-9]*)((?: [a-z][a-z-]*="[^"<>]*")*)(\/?)>|([^<>]+)/gy;

/**
 * Reads HTML as strictly as we write it: elements closed in order, attributes quoted, no bare angle
 * bracket. Throws at whatever else there is. Elements come in the order in which they begin.
 */
export function readHtml(html: string): readonly Element[] {
  const body = html.replace(/^<!doctype html>/, "").replace(/(<style>)[^<]*(<\/style>)/, "$1$2");
  const all: Element[] = [];
  const open: Element[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < body.length) {
    const at = token.lastIndex;
    const found = token.exec(body);
    if (found === null) throw new Error(`no HTML of ours: ${body.slice(at, at + 80)}`);
    const [, closing, tag = "", attributes = "", , text] = found;
    if (text !== undefined) {
      for (const element of open) element.text += readEntities(text);
    } else if (closing === "/") {
      if (open.pop()?.tag !== tag) throw new Error(`</${tag}> closes another element`);
    } else {
      const element = { tag, attributes: readAttributes(attributes), text: "" };
      all.push(element);
      if (!empty.has(tag)) open.push(element);
    }
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)?.tag}> is never closed`);
  return all;
}

function readAttributes(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/ ([a-z][a-z-]*)="([^"]*)"/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, readEntities(value ?? "")]));
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  "#39": "'",
};

function readEntities(text: string): string {
  return text.replace(/&([^;\s]*;?)/g, (whole, name: string) => {
    const value = entities[name.replace(/;$/, "")];
    if (value === undefined || !name.endsWith(";")) throw new Error(`a bare ampersand: ${whole}`);
    return value;
  });
}
