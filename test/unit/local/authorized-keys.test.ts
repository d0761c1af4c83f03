import { describe, expect, it } from "vitest";
import { newSecretKey, npubOf } from "../../../src/identity/keys.ts";
import { authorizedLines, isPlainPath, memberKeys } from "../../../src/local/authorized-keys.ts";

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

describe("hostile lines of a members' file", () => {
  const good = sshKey(9);
  const cases: readonly (readonly [string, string, string])[] = [
    ["a command", `command="sh" ${good}`, "options"],
    ["an empty command", `command="" ${good}`, "options"],
    ["an environment", `environment="LAND_PUSHED_BY=npub1x" ${good}`, "options"],
    ["an authority over certificates", `cert-authority ${good}`, "options"],
    ["a certificate", sshKey(9, "ssh-ed25519-cert-v01@openssh.com"), "certificates"],
    ["a key of the first protocol", "2048 65537 1234567890", "type of key"],
    ["a quote after the type", `ssh-ed25519" ${good.split(" ")[1]}`, "type of key"],
    ["a megabyte without a space", "A".repeat(1024 * 1024), "type of key"],
    ["a megabyte of Base64", `ssh-ed25519 ${"A".repeat(1024 * 1024)}`, "damaged"],
    ["zero bytes", `ssh-ed25519 ${"\0".repeat(64)}`, "no Base64"],
    ["a key that is longer than it says", `${good.replace(/=+$/, "")}AAAA`, "damaged"],
  ];

  it.each(cases)("%s is left out and told, and what comes after it counts", (_name, line, why) => {
    const { keys, skipped } = memberKeys([fileOf("ann", ann, line, sshKey(1))]);
    expect(keys.map(({ blob }) => blob)).toEqual([sshKey(1).split(" ")[1]]);
    expect(skipped).toEqual([{ file: "ann.keys", line: 2, why: expect.stringContaining(why) }]);
  });

  it("end with any kind of line end, and may begin with a mark of their encoding", () => {
    const text = `\uFEFF# npub: ${ann}\r\n${sshKey(1)} laptop\r\n\r\n  ${sshKey(2)}`;
    const { keys, skipped } = memberKeys([{ name: "ann", text }]);
    expect(skipped).toEqual([]);
    expect(keys).toHaveLength(2);
  });

  it.each(["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"])(
    "do not keep out a key in hardware: %s",
    (type) => {
      const { keys } = memberKeys([fileOf("ann", ann, sshKey(1, type))]);
      expect(keys).toMatchObject([{ type, npub: ann }]);
    },
  );
});

describe("the lines for sshd", () => {
  const forge = (name: string, ...npubs: string[]) => ({
    stateDir: `/srv/forge/${name}`,
    active: new Set(npubs),
  });
  const files = [fileOf("ann", ann, `${sshKey(1)} x",command="sh`), fileOf("ben", ben, sshKey(2))];

  it("allow git under the owner's name and nothing else", () => {
    expect(authorizedLines(files, [forge("app-1", ann, ben)])).toEqual({
      lines: [
        `restrict,command="land git-shell --state /srv/forge/app-1 --npub ${ann}" ${sshKey(1)} ann`,
        `restrict,command="land git-shell --state /srv/forge/app-1 --npub ${ben}" ${sshKey(2)} ben`,
      ],
      skipped: [],
    });
    const named = authorizedLines([fileOf('a" b\n', ann, sshKey(1))], [forge("app-1", ann)]);
    expect(named.lines.join()).not.toMatch(/a" b|\n/);
  });

  it("hold no key of a member who is not active, and say so once", () => {
    const { lines, skipped } = authorizedLines(
      [fileOf("ann", ann, sshKey(1), sshKey(3)), fileOf("ben", ben, sshKey(2))],
      [forge("app-1", ben)],
    );
    expect(lines).toEqual([expect.stringContaining(`--npub ${ben}`)]);
    expect(skipped).toEqual([
      { file: "ann.keys", line: 0, why: expect.stringContaining("not active") },
    ]);
  });

  it("never let one who is not active in by another's file", () => {
    const files = [fileOf("ann", ann, sshKey(1)), fileOf("ben", ben, sshKey(1))];
    expect(authorizedLines(files, [forge("app-1", ben)]).lines).toEqual([]);
  });

  it("bind each key to the forges where its owner is active", () => {
    const { lines } = authorizedLines(files, [forge("app-1", ann, ben), forge("tool-2", ben)]);
    expect(lines[0]).toContain(`"land git-shell --state /srv/forge/app-1 --npub ${ann}"`);
    expect(lines[1]).toContain(
      `"land git-shell --state /srv/forge/app-1 --state /srv/forge/tool-2 --npub ${ben}"`,
    );
  });

  it.each(["/srv/my forge", '/srv/a"b', "/srv/$(sh)", "/srv/a\nb", ""])("not at %j", (path) => {
    expect(isPlainPath(path)).toBe(false);
  });
});
