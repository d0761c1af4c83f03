import { describe, expect, test } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import { parseHunks } from "../../../src/git/conflict-hunks.ts";
import { gitEnvironment } from "../../../src/git/git.ts";
import { parsePush, pushCall, pushFailure } from "../../../src/git/push.ts";
import { branchRef, commitName, isBranchName, trackingRef } from "../../../src/git/refs.ts";
import { fetchCall, parseRemoteTip, remoteFailure } from "../../../src/git/remote.ts";
import { parseStatus } from "../../../src/git/status.ts";

const sha = "1".repeat(40);

describe("conflict hunks", () => {
  const two = "top\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> mine\nend\n";
  const three = "<<<<<<< HEAD\nours\n||||||| base\nwas\n=======\ntheirs\n>>>>>>> mine\n";

  test("are read in either style and with either line end", () => {
    expect(parseHunks(two, 4096)).toEqual([
      { line: 2, text: "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> mine" },
    ]);
    expect(parseHunks(two.replaceAll("\n", "\r\n"), 4096)).toEqual(parseHunks(two, 4096));
    expect(parseHunks(three, 4096)[0]?.text).toContain("||||||| base\nwas\n");
  });

  test("take longer markers for text unless they are the file's own", () => {
    const long = two.replaceAll("<<<<<<<", "<<<<<<<<<").replaceAll(">>>>>>>", ">>>>>>>>>");
    expect(parseHunks(long, 4096)).toEqual([]);
    expect(parseHunks(long, 4096, 9)).toHaveLength(1);
  });

  test("stay within the cap and say where they were cut", () => {
    const many = Array.from({ length: 100 }, () => three).join("");
    const hunks = parseHunks(many, 300);
    const text = hunks.map((hunk) => hunk.text).join("\n");
    expect(Buffer.byteLength(text)).toBeLessThan(300 + 60);
    expect(text.endsWith("… (cut here; read the file)")).toBe(true);
  });

  test("that are never closed count to the end", () => {
    expect(parseHunks("<<<<<<< HEAD\nours", 4096)).toEqual([
      { line: 1, text: "<<<<<<< HEAD\nours" },
    ]);
  });
});

test("status: spaces, new lines and conflicts in paths", () => {
  const output = [
    `# branch.oid ${sha}`,
    "# branch.head a b",
    "1 .M N... 100644 100644 100644 aa bb  with space ",
    "1 A. N... 000000 100644 100644 aa bb staged",
    "u DU N... 100644 000000 100644 100644 aa bb cc new\nline",
    "? un tracked",
    "",
  ].join("\0");
  expect(parseStatus(output)).toEqual({
    head: sha,
    branch: "a",
    tracked: [" with space ", "staged"],
    unstaged: [" with space "],
    untracked: ["un tracked"],
    unmerged: [{ path: "new\nline", kind: "deleted by us", mode: "100644" }],
  });
});

describe("names", () => {
  test.each(["x", "-x", "it's", 'a"b', "a;b", "ü/ß", "42", "a.b", "(no branch)".replace(" ", "_")])(
    "%s is a branch name",
    (name) => expect(branchRef(name)).toBe(`refs/heads/${name}`),
  );

  test.each([
    ..."~^:?*[\\ ".split(""),
    ...["", "@", "a..b", "a@{1}", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.", "a\u0001"],
  ])("%j is none", (name) => {
    expect(isBranchName(name.length === 1 && name !== "@" ? `a${name}b` : name)).toBe(false);
    expect(() => branchRef(name)).toThrow(LandError);
  });

  test("remotes and commits let no option through", () => {
    expect(() => trackingRef("--all", "x")).toThrow(LandError);
    for (const name of ["--all", "HEAD", "main", "abc", `${sha}^`, "refs/heads/a..b"]) {
      expect(() => commitName(name)).toThrow(LandError);
    }
    expect([commitName(sha), commitName("refs/heads/-x")]).toEqual([sha, "refs/heads/-x"]);
  });
});

test("calls name refs in full and lease on exactly one value", () => {
  expect(fetchCall("forge", "-x").args.slice(-2)).toEqual([
    "forge",
    "+refs/heads/-x:refs/remotes/forge/-x",
  ]);
  const request = { remote: "forge", branch: "-x", head: sha, lease: undefined };
  expect(pushCall(request).args).toContain("--force-with-lease=refs/heads/-x:");
  expect(pushCall({ ...request, lease: sha }).args).toContain(
    `--force-with-lease=refs/heads/-x:${sha}`,
  );
  expect(pushCall(request).args.at(-1)).toBe(`${sha}:refs/heads/-x`);
  expect(pushCall(request).args).not.toContain("--force");
});

test("a remote's tip is taken from the very ref", () => {
  const output = `${"2".repeat(40)}\trefs/heads/a/refs/heads/x\n${sha}\trefs/heads/x\n`;
  expect(parseRemoteTip(output, "x")).toBe(sha);
  expect(parseRemoteTip("", "x")).toBeUndefined();
});

describe("failed pushes", () => {
  const request = { remote: "forge", branch: "x", head: sha, lease: sha };
  const failed = (stdout: string, stderr = "", exitCode = 1) =>
    new LandError("git_failed", "git push failed", { facts: { stdout, stderr, exitCode } });

  test("lost to another push of the same ref", () => {
    const said = `!\t${sha}:refs/heads/x\t[remote rejected] (failed to update ref)\nDone\n`;
    const remote = "remote: error: cannot lock ref 'refs/heads/x': reference already exists\n";
    expect(pushFailure(failed(said, remote), request)).toMatchObject({ code: "remote_moved" });
    expect(pushFailure(failed(said, "remote: disk full\n"), request)).toMatchObject({
      code: "push_rejected",
    });
  });

  test("to a name that another branch there has in its way", () => {
    const said = `!\t${sha}:refs/heads/x\t[remote rejected] (failed to update ref)\nDone\n`;
    const remote =
      "remote: error: cannot lock ref 'refs/heads/x': 'refs/heads/x/y' exists; cannot create 'refs/heads/x'\n";
    expect(pushFailure(failed(said, remote), request)).toMatchObject({
      code: "push_rejected",
      message: expect.stringContaining("a branch x/y"),
      next: expect.stringContaining("git branch -m"),
    });
  });

  test.each([
    ["[remote rejected] (non-fast-forward)", "push_rejected"],
    ["[rejected] (stale info)", "remote_moved"],
    ["[rejected] (fetch first)", "remote_moved"],
    ["[remote rejected] (cannot lock ref 'refs/heads/x': is at a but expected b)", "remote_moved"],
    ["[remote rejected] (pre-receive hook declined)", "push_rejected"],
    ["[remote rejected] (deny updating a hidden ref)", "push_rejected"],
  ])("%s", (summary, code) => {
    const error = failed(`To /x\n!\t${sha}:refs/heads/x\t${summary}\nDone\n`);
    expect(pushFailure(error, request)).toMatchObject({ code });
  });

  test("without any ref in the answer it was a hook here; other faults stay", () => {
    expect(pushFailure(failed("", "lint failed\n"), request)).toMatchObject({
      code: "push_rejected",
      message: expect.stringContaining("lint failed"),
    });
    const fatal = failed("", "fatal: bad object", 128);
    expect(pushFailure(fatal, request)).toBe(fatal);
  });

  test("porcelain lines", () => {
    expect(parsePush("To /x\n=\ta:refs/heads/x\t[up to date]\nDone\n")).toEqual([
      { flag: "=", to: "refs/heads/x", summary: "[up to date]" },
    ]);
  });
});

test.each([
  ["fatal: unable to access 'http://h/': Connection refused", "forge_unreachable"],
  ["fatal: could not read Username for 'https://h': terminal prompts disabled", "unauthorized"],
  ["git@h: Permission denied (publickey).\nfatal: Could not read from remote", "unauthorized"],
  ["fatal: 'x' does not appear to be a git repository", "no_forge"],
  ["fatal: something else", "git_failed"],
])("%s is %s", (stderr, code) => {
  const error = new LandError("git_failed", "git fetch failed", { facts: { stderr } });
  expect(remoteFailure(error, "forge")).toMatchObject({ code });
});

test("git's environment lets nothing ask and keeps a person's own ssh", () => {
  const env = gitEnvironment({ GIT_DIR: "/x", GPG_TTY: "/dev/pts/1", PATH: "/bin" });
  expect(env).toMatchObject({
    PATH: "/bin",
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: ":",
    GIT_SSH_COMMAND: "ssh -o BatchMode=yes",
  });
  expect(env).not.toHaveProperty("GIT_DIR");
  expect(env).not.toHaveProperty("GPG_TTY");
  expect(gitEnvironment({ GIT_SSH_COMMAND: "mine" }).GIT_SSH_COMMAND).toBe("mine");
  expect(gitEnvironment({ GIT_SSH: "/mine" })).not.toHaveProperty("GIT_SSH_COMMAND");
});
