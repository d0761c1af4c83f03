import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Case, Expectation } from "./case.ts";
import { cases } from "./cases.ts";
import { checkMinimum } from "./minimum.ts";
import type { Reply, Revision, World } from "./world.ts";

/** The first column of the table of differences. */
const rows = new Set(
  readFileSync(new URL("../../docs/reference-differences.md", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|")[1]?.trim() ?? ""),
);

/** Runs the whole table against a forge, one world for all but the cases that want their own. */
export function runCases(
  revision: Revision,
  makeWorld: (revision: Revision) => Promise<World>,
): void {
  const mine = cases.filter(({ on }) => on?.includes(revision) ?? true);
  let shared: World;
  beforeAll(async () => {
    shared = await makeWorld(revision);
  });
  afterAll(() => shared?.close());

  it("is told apart only where a row says so", () => {
    if (shared.how.isoTimes) expect(rows).toContain("Times");
    if (!shared.how.words) expect(rows).toContain("Words of messages");
  });

  describe("section 8.8", () => checkMinimum(revision, () => shared));

  for (const section of [...new Set(mine.map((one) => one.section))]) {
    describe(`section ${section}`, () => {
      for (const one of mine.filter((each) => each.section === section)) {
        it(one.name, async () => {
          if (one.alone !== true) return check(one, shared);
          const world = await makeWorld(revision);
          try {
            await check(one, world);
          } finally {
            await world.close();
          }
        });
      }
    });
  }
}

let counter = 0;

async function check(one: Case, world: World): Promise<void> {
  counter += 1;
  const facts = await one.arrange?.(world, `case-${counter}`);
  const reply = await world.ask(await one.call(facts, world));
  const differs = world.name === "local" ? one.differs : undefined;
  if (differs !== undefined) expect(rows, "docs/reference-differences.md").toContain(differs.row);
  const wanted = differs?.expect ?? one.expect;
  compare(typeof wanted === "function" ? wanted(facts, world) : wanted, reply, world);
  const after = differs === undefined ? one.after : differs.after;
  await after?.(facts, world, reply);
}

/** Tells everything that does not fit at once. */
function compare(wanted: Expectation, reply: Reply, world: World): void {
  const wrong: string[] = [];
  if (reply.status !== wanted.status) {
    wrong.push(`status: expected ${wanted.status}, got ${reply.status}`);
  }
  if (wanted.json !== undefined) {
    if (reply.json === undefined) wrong.push("body: is no JSON");
    else wrong.push(...wanted.json(reply.json, "body", world.how));
  }
  if (wanted.text !== undefined && !fits(wanted.text, reply.text)) {
    wrong.push(`body: expected ${wanted.text === "" ? "none" : wanted.text}`);
  }
  for (const [name, value] of Object.entries(wanted.headers ?? {})) {
    const given = reply.headers[name];
    const right = value === null ? given === undefined : fits(value, given ?? "");
    if (!right) wrong.push(`header ${name}: expected ${value}, got ${given}`);
  }
  const shown = `${reply.status} ${reply.text.slice(0, 400)}`;
  expect(wrong, shown).toEqual([]);
}

const fits = (wanted: string | RegExp, given: string) =>
  typeof wanted === "string" ? given === wanted : wanted.test(given);
