import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mirrorShape } from "../../src/local/mirror-settings.ts";
import { settingsShape } from "../../src/local/settings.ts";
import { root } from "../support/sources.ts";

interface Row {
  readonly keys: readonly string[];
  readonly byDefault: string;
  readonly words: string;
}

/** The table of `forge.json`'s keys. */
function rows(): readonly Row[] {
  const page = readFileSync(join(root, "docs", "hosting.md"), "utf8");
  const [, section = ""] = page.split("## Keys of forge.json\n");
  return section.split("\n").flatMap((line) => {
    const [, names = "", byDefault = "", words = ""] = line.split("|").map((cell) => cell.trim());
    const keys = [...names.matchAll(/`(\w+)`/g)].map(([, key = ""]) => key);
    return line.startsWith("| `") ? [{ keys, byDefault, words }] : [];
  });
}

const needed = {
  ...{ version: 1, repo: "team/app", target: "main", commonDir: "/srv/app" },
  ...{ ownerNpub: "npub1owner", agentNpub: "npub1agent" },
  seed: { fromRepository: "/srv/app", sha: "0".repeat(40) },
};

describe("the page on hosting", () => {
  it("has a row for each key of forge.json, and for nothing else", () => {
    const told = rows().flatMap(({ keys }) => keys);
    expect([...told].sort()).toEqual(Object.keys(settingsShape.shape).sort());
  });

  it("names what a key is where nobody says it", () => {
    const settings: Readonly<Record<string, unknown>> = settingsShape.parse(needed);
    const literal = rows().flatMap(({ keys, byDefault }) => {
      const [, value] =
        /^`?(null|false|true|\d+|\[\]|\{\}|manifest|127\.0\.0\.1)`?$/.exec(byDefault) ?? [];
      return keys.flatMap((key) => (value === undefined ? [] : [[key, value]]));
    });
    expect(literal.length).toBeGreaterThan(10);
    for (const [key = "", value] of literal) {
      const actual = settings[key];
      expect([key, typeof actual === "string" ? actual : JSON.stringify(actual)]).toEqual([
        key,
        value,
      ]);
    }
  });

  it("names each key of the mirror", () => {
    const words = rows().find(({ keys }) => keys.includes("mirror"))?.words ?? "";
    for (const key of Object.keys(mirrorShape.shape)) expect(words).toContain(`\`${key}\``);
  });

  it("says what of the reference there is none of", () => {
    const page = readFileSync(join(root, "docs", "hosting.md"), "utf8");
    for (const key of ["hook_url", "bind_address", "bind_port", "bootstrap_admin_npubs"]) {
      expect(page).toContain(`\`${key}\``);
    }
    expect(page).toContain("No webhook of the mirror's host is needed");
  });
});
