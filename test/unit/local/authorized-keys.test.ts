import { describe, expect, it } from "vitest";
import { newSecretKey, npubOf } from "../../../src/identity/keys.ts";
import { authorizedLine, isPlainPath, memberKeys } from "../../../src/local/authorized-keys.ts";

const ann = npubOf(newSecretKey());
const ben = npubOf(newSecretKey());

function sshKey(seed: number, type = "ssh-ed25519"): string {
  const name = Buffer.from(type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  const rest = Buffer.concat([Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, seed)]);
  return `${type} ${Buffer.concat([length, name, rest]).toString("base64")}`;
}

const fileOf = (name: string, npub: string, ...lines: string[]) => ({
  name,
  text: [`# npub: ${npub}`, ...lines, ""].join("\n"),
});

describe("the members' keys", () => {
  it("are the union of their lists, each with its owner", () => {
    const { keys, skipped } = memberKeys([
      fileOf("ann", ann, `${sshKey(1)} ann@laptop`, "", "# old one below", sshKey(2)),
      fileOf("ben", ben, sshKey(3)),
    ]);
    expect(skipped).toEqual([]);
    expect(keys.map(({ npub, member }) => [npub, member])).toEqual([
      [ann, "ann"],
      [ann, "ann"],
      [ben, "ben"],
    ]);
  });

  it("leave out lines that are no keys, and tell them by number", () => {
    const cut = sshKey(1).slice(0, 40);
    const { keys, skipped } = memberKeys([
      fileOf(
        "ann",
        ann,
        "hello there",
        'command="sh" ssh-ed25519 AAAA',
        "ssh-dss AAAAB3NzaC1kc3MAAACB",
        "ssh-ed25519 not*base64",
        cut,
        sshKey(1).replace("ssh-ed25519", "ssh-rsa"),
        `${sshKey(4)} the good one`,
      ),
    ]);
    expect(keys).toHaveLength(1);
    expect(skipped.map(({ file, line }) => `${file}:${line}`)).toEqual(
      [2, 3, 4, 5, 6, 7].map((line) => `ann.keys:${line}`),
    );
    expect(skipped[1]?.why).toContain("options");
    expect(skipped[4]?.why).toContain("damaged");
    expect(JSON.stringify(skipped)).not.toMatch(/hello|sh" ssh/);
  });

  it("never give one key two authors", () => {
    const { keys, skipped } = memberKeys([
      fileOf("ann", ann, sshKey(1), sshKey(1)),
      fileOf("ben", ben, sshKey(1)),
    ]);
    expect(keys.map(({ npub }) => npub)).toEqual([ann]);
    expect(skipped).toEqual([
      { file: "ben.keys", line: 2, why: "that key is in ann.keys already" },
    ]);
  });

  it.each([
    [sshKey(1), 0],
    [`# npub: nobody\n${sshKey(1)}`, 1],
    [`# npub: ${ann}\n# npub: ${ben}\n${sshKey(1)}`, 2],
  ])("do not count without one author", (text, line) => {
    const { keys, skipped } = memberKeys([{ name: "ann", text }, fileOf("ben", ben, sshKey(3))]);
    expect(keys.map(({ npub }) => npub)).toEqual([ben]);
    expect(skipped).toMatchObject([{ file: "ann.keys", line }]);
  });
});

describe("a line for sshd", () => {
  const [key] = memberKeys([fileOf("ann", ann, `${sshKey(1)} x",command="sh`)]).keys;

  it("allows git under the owner's name and nothing else", () => {
    if (key === undefined) throw new Error("there is no key");
    expect(authorizedLine(key, "/srv/forge/app-1")).toBe(
      `restrict,command="land git-shell --state /srv/forge/app-1 --npub ${ann}" ${sshKey(1)} ann`,
    );
    expect(authorizedLine({ ...key, member: 'a" b\n' }, "/srv/forge")).not.toMatch(/a" b|\n/);
  });

  it.each(["/srv/my forge", '/srv/a"b', "/srv/$(sh)", "/srv/a\nb", ""])("not at %j", (path) => {
    expect(isPlainPath(path)).toBe(false);
  });
});
