import { describe, expect, it } from "vitest";
import { parseManifest } from "../../../../src/server/ci/manifest.ts";
import { manifestKeys } from "../../../../src/server/ci/manifest-keys.ts";
import { nearestWord } from "../../../../src/server/ci/nearest-word.ts";
import { unreadKeys } from "../../../../src/server/ci/unread-keys.ts";

const top = 'version = 1\nnightly_schedule_utc = "08:00"\n';
const lane = (list: string, lines = "") =>
  `[[${list}.lanes]]\nid = "unit"\ntitle = "U"\nentrypoint = "e"\ncommand = ["true"]\n${lines}`;

describe("unreadKeys", () => {
  it("names the key, its lane, its line and the nearest known key, and the parser still passes it", () => {
    const text = `${top}${lane("branch", "timout_seconds = 5\n")}${lane("nightly", 'concurency_group = "g"\n')}`;
    expect(unreadKeys(text)).toEqual({
      named: [
        { key: "timout_seconds", place: "lane `unit`", line: 8, nearest: "timeout_seconds" },
        {
          key: "concurency_group",
          place: "nightly lane `unit`",
          line: 14,
          nearest: "concurrency_group",
        },
      ],
      count: 2,
    });
    expect(parseManifest(text)).toMatchObject({
      ok: true,
      manifest: {
        branchLanes: [{ timeoutSeconds: null }],
        nightlyLanes: [{ concurrencyGroup: null }],
      },
    });
  });

  it("looks before the first table and beside the lanes, too", () => {
    const text = `owner = "x"\n${top}${lane("branch")}${lane("brnch")}[[nightly.lane]]\nid = "n"\n`;
    expect(unreadKeys(text).named).toEqual([
      { key: "owner", place: null, line: 1, nearest: null },
      { key: "brnch", place: null, line: 9, nearest: "branch" },
      { key: "lane", place: "`nightly`", line: 14, nearest: "lanes" },
    ]);
  });

  it("has nothing to say of any key that is read, or where the text is no TOML", () => {
    const all = manifestKeys.lane.map((key) =>
      key === "id" ? 'id = "a"\n' : `${key} = ${key === "timeout_seconds" ? "5" : '"x"'}\n`,
    );
    expect(unreadKeys(`${top}[[branch.lanes]]\n${all.join("")}`).count).toBe(0);
    expect(unreadKeys("version = \ntimout = 1")).toEqual({ named: [], count: 0 });
  });

  it("takes a key for what it is, whatever signs are in it", () => {
    const text = `${top}${lane("branch", '"a(b" = 1\n"😀.*" = 2\n"__proto__" = 3\n')}`;
    expect(unreadKeys(text).named).toMatchObject([
      { key: "a(b", line: 8 },
      { key: "😀.*", line: 9 },
      { key: "__proto__", line: 10 },
    ]);
  });

  it("names some of very many and counts the rest", () => {
    const many = Array.from({ length: 5000 }, (_, at) => `key_${at} = ${at}\n`).join("");
    const { named, count } = unreadKeys(`${top}${lane("branch", many)}`);
    expect([named.length, count]).toEqual([20, 5000]);
  });
});

it.each([
  ["timeout", "timeout_seconds"],
  ["Timeout-Seconds", "timeout_seconds"],
  ["concurrency", "concurrency_group"],
  ["evn", "env"],
  ["comand", "command"],
  ["path", "paths"],
  ["if", null],
  ["owner", null],
  ["x".repeat(10_000), null],
])("of the keys of a lane %s is most like %s", (word, nearest) => {
  expect(nearestWord(word, manifestKeys.lane)).toBe(nearest);
});
