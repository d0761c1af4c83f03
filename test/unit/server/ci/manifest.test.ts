import { describe, expect, it } from "vitest";
import { parseManifest } from "../../../../src/server/ci/manifest.ts";

const top = 'version = 1\nnightly_schedule_utc = "08:00"\n';
const laneText = '[[branch.lanes]]\nid = "a"\ntitle = "A"\nentrypoint = "e"\ncommand = ["true"]\n';

function lanesOf(text: string) {
  const answer = parseManifest(text);
  if (!answer.ok) throw new Error(answer.message);
  return answer.manifest;
}

describe("parseManifest", () => {
  it("reads the reference's keys and the added ones", () => {
    const manifest = lanesOf(`${top}
[[branch.lanes]]
id = " unit "
title = ""
entrypoint = "just test"
command = ["just", "test"]
paths = ["src/**"]
inputs = ["src/**", "justfile"]
env = ["TOKEN"]
concurrency_group = " device "
timeout_seconds = 90
unknown = { is = "ignored" }

[[branch.lanes]]
id = "staged"
title = "Staged"
command = ["replaced"]
staged_linux_target = "pre-merge"

[[nightly.lanes]]
id = "unit"
title = "Nightly"
entrypoint = "e"
command = ["true"]
`);
    expect(manifest).toMatchObject({
      nightlyScheduleUtc: "08:00",
      nightlyLanes: [{ lane: "unit" }],
    });
    expect(manifest.branchLanes).toEqual([
      {
        lane: "unit",
        title: "",
        entrypoint: "just test",
        command: ["just", "test"],
        paths: ["src/**"],
        inputs: ["src/**", "justfile"],
        env: ["TOKEN"],
        concurrencyGroup: "device",
        timeoutSeconds: 90,
        targetKey: null,
      },
      {
        lane: "staged",
        title: "Staged",
        entrypoint: "./scripts/pikaci-staged-linux-remote.sh run pre-merge",
        command: ["./scripts/pikaci-staged-linux-remote.sh", "run", "pre-merge"],
        paths: [],
        inputs: [],
        env: [],
        concurrencyGroup: "staged-linux:pre-merge",
        timeoutSeconds: null,
        targetKey: "pre-merge",
      },
    ]);
  });

  it("reads a manifest without lanes, and Windows line ends", () => {
    expect(lanesOf(top)).toMatchObject({ branchLanes: [], nightlyLanes: [] });
    expect(lanesOf((top + laneText).replaceAll("\n", "\r\n")).branchLanes).toHaveLength(1);
  });

  const lane = (lines: string) => `${top}${laneText}\n[[branch.lanes]]\n${lines}`;
  const named = 'id = "b"\ntitle = "B"\nentrypoint = "e"\n';

  it.each<[string, string, number | null, string]>([
    ["a syntax error", `${top}[[branch.lanes]\n`, 3, "the TOML cannot be read"],
    ["no version", 'nightly_schedule_utc = "08:00"\n', null, "`version = 1` is missing"],
    ["a wrong version", "a = 1\nversion = 2\n", 2, "unsupported manifest version 2"],
    ["a version of the wrong type", 'version = "1"\n', 1, 'unsupported manifest version "1"'],
    ["no schedule", "version = 1\n", null, "nightly_schedule_utc"],
    ["a wrong schedule", 'version = 1\nnightly_schedule_utc = "24:00"\n', 2, '"24:00"'],

    [
      "an id twice, else right",
      lane(`${named.replace('"b"', '"a"')}command = ["x"]`),
      10,
      "another branch lane has the id `a`",
    ],
    ["an empty id", lane(named.replace('"b"', '"  "')), 10, "the id must not be empty"],
    ["no id", lane('title = "B"\n'), 9, "`id` is missing"],
    [
      "an id with control characters",
      lane(named.replace('"b"', '"b\\u0007"')),
      10,
      "holds control characters",
    ],
    ["no title", lane('id = "b"\n'), 9, "lane `b`: `title` is missing"],
    [
      "a blank entrypoint",
      lane('id = "b"\ntitle = "B"\nentrypoint = " "\n'),
      12,
      "entrypoint must not be empty",
    ],
    ["no command", lane(named), 9, "lane `b`: the command must not be empty"],
    ["a blank program", lane(`${named}command = [" ", "x"]`), 13, "must not be blank"],
    [
      "a command as text",
      lane(`${named}command = "make test"`),
      13,
      "command must be an array of strings",
    ],
    ["a command with numbers", lane(`${named}command = ["a", 1]`), 13, "command must be an array"],
    [
      "a bad glob",
      lane(`${named}command = ["x"]\npaths = ["ok", "[a"]`),
      14,
      'the glob "[a" cannot be read: a `[`',
    ],
    ["a bad input", lane(`${named}command = ["x"]\ninputs = [""]`), 14, "inputs: the glob"],
    [
      "a time of 0",
      lane(`${named}command = ["x"]\ntimeout_seconds = 0`),
      14,
      "timeout_seconds must be",
    ],
    ["a time as text", lane(`${named}command = ["x"]\ntimeout_seconds = "5m"`), 14, 'not "5m"'],
    [
      "a bad name",
      lane(`${named}command = ["x"]\nenv = ["A=B"]`),
      14,
      '"A=B" is not the name of a variable',
    ],
    [
      "the forge's name",
      lane(`${named}command = ["x"]\nenv = ["FORGE_HEAD"]`),
      14,
      "belong to the forge",
    ],
    [
      "a group of the wrong type",
      lane(`${named}command = ["x"]\nconcurrency_group = 1`),
      14,
      "must be a string",
    ],
    [
      "lanes that are no tables",
      `${top}[branch]\nlanes = "x"\n`,
      null,
      "`branch.lanes` must be tables",
    ],
    ["branch that is no table", `${top}branch = 1\n`, 3, "`branch` must be a table"],
    [
      "a nightly lane",
      `${top}[[nightly.lanes]]\nid = ""\n`,
      4,
      "nightly lane 1: the id must not be empty",
    ],
  ])("tells %s with its line", (_, text, line, words) => {
    const answer = parseManifest(text);
    expect(answer).toMatchObject({ ok: false });
    if (answer.ok) return;
    expect(answer.message).toContain(words);
    expect(answer.line).toBe(line);
    expect(answer.message).not.toContain("\n");
  });

  it("is not led astray by what looks like a table inside a text", () => {
    const title = '"""\n[[branch.lanes]]\nid = 1\n"""';
    const answer = parseManifest(
      `${top}[[branch.lanes]]\ntitle = ${title}\nid = "a"\nentrypoint = "e"\ncommand = ["x"]\n[[branch.lanes]]\n`,
    );
    expect(answer).toMatchObject({ ok: false, line: 11 });
  });

  it("refuses more lanes than anybody wrote", () => {
    const many = Array.from({ length: 201 }, (_, n) => laneText.replace('"a"', `"a${n}"`)).join("");
    expect(parseManifest(top + many)).toMatchObject({ ok: false });
  });
});
