import { mkdir, readdir, realpath, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { forgesRoot } from "../../../src/local/layout.ts";
import { requireSettings, updateSettings } from "../../../src/local/settings.ts";
import { failureOf } from "../../support/agent-half.ts";
import { newScene } from "../../support/init-scene.ts";

describe("the first time", () => {
  test("makes state, two keys, config and a remote, and touches nothing else", async () => {
    const { stateHome, git, repository, init } = await newScene();
    const repo = await repository("My Repo");
    await git(repo, "remote", "add", "upstream", "https://example.org/x.git");
    const before = await git(repo, "for-each-ref");
    const report = await init(repo);
    expect(report).toMatchObject({
      created: true,
      joined: false,
      target: "main",
      remote: "forge",
      seededFrom: "local",
      notes: [],
    });
    expect(report.stateDir).toMatch(/\/state\/forge-landing-kit\/my-repo-[0-9a-f]{8}$/);
    expect(dirname(report.stateDir)).toBe(forgesRoot(stateHome));
    expect(report.ownerNpub).not.toBe(report.agentNpub);
    expect(await git(repo, "config", "--local", "land.forge")).toBe(report.stateDir);
    expect(await git(repo, "remote", "get-url", "forge")).toBe(report.layout.repositoryDir);
    expect(await git(repo, "remote", "get-url", "upstream")).toBe("https://example.org/x.git");
    expect(await git(repo, "for-each-ref")).toBe(before);
    expect(await git(repo, "status", "--porcelain")).toBe("");
  });

  test("keeps all of it to its owner", async () => {
    const { repository, init } = await newScene();
    const { layout } = await init(await repository("r"));
    const mode = async (path: string) => (await stat(path)).mode & 0o777;
    for (const folder of [layout.stateDir, layout.keysDir, dirname(layout.stateDir)]) {
      expect(await mode(folder)).toBe(0o700);
    }
    expect((await readdir(layout.keysDir)).sort()).toEqual(["agent.nsec", "owner.nsec"]);
    for (const name of await readdir(layout.keysDir)) {
      expect(await mode(join(layout.keysDir, name))).toBe(0o600);
    }
    expect(await mode(layout.settingsFile)).toBe(0o600);
  });

  test("from a linked worktree and from a subfolder is for the same repository", async () => {
    const { dir, git, repository, commit, init } = await newScene();
    const repo = await repository("r");
    await commit(repo, { "deep/down/x": "1" });
    await git(repo, "worktree", "add", "-q", "-b", "topic", join(dir, "linked"));
    const first = await init(join(dir, "linked"));
    const second = await init(join(repo, "deep", "down"));
    expect(second).toMatchObject({ created: false, stateDir: first.stateDir });
    expect(first.target).toBe("main");
  });
});

describe("again", () => {
  test("changes nothing, whatever was missing is put back", async () => {
    const { git, repository, init, config } = await newScene();
    const repo = await repository("r");
    const first = await init(repo);
    const settings = await requireSettings(first.layout);
    const text = await config(repo);
    expect(await init(repo)).toMatchObject({ created: false, agentNpub: first.agentNpub });
    expect(await config(repo)).toBe(text);
    await git(repo, "remote", "remove", "forge");
    await git(repo, "config", "--unset", "land.forge");
    expect(await init(repo)).toMatchObject({ created: false, remote: "forge" });
    expect(await git(repo, "config", "land.forge")).toBe(first.stateDir);
    expect(await requireSettings(first.layout)).toEqual(settings);
  });

  test("makes a lost key anew and lets the forge know it", async () => {
    const { repository, init } = await newScene();
    const repo = await repository("r");
    const first = await init(repo);
    await rm(join(first.layout.keysDir, "agent.nsec"));
    const second = await init(repo);
    expect(second.agentNpub).not.toBe(first.agentNpub);
    expect(second.ownerNpub).toBe(first.ownerNpub);
    expect(second.notes.join()).toContain("land stop");
    expect((await requireSettings(first.layout)).agentNpub).toBe(second.agentNpub);
  });

  test("makes no new owner of a forge on a server, whose key is kept elsewhere", async () => {
    const { repository, init } = await newScene();
    const repo = await repository("r");
    const { layout, ownerNpub } = await init(repo);
    const canonicalUrl = "https://forge.example.org";
    await updateSettings(layout, (settings) => ({ ...settings, canonicalUrl }));
    await rm(join(layout.keysDir, "owner.nsec"));
    expect(await init(repo)).toMatchObject({ created: false, ownerNpub, notes: [] });
    expect((await requireSettings(layout)).ownerNpub).toBe(ownerNpub);
    expect(await readdir(layout.keysDir)).toEqual(["agent.nsec"]);
  });

  test("ten at once make one forge", async () => {
    const { git, repository, init } = await newScene();
    const repo = await repository("r");
    const reports = await Promise.all(Array.from({ length: 10 }, () => init(repo)));
    expect(reports.filter(({ created }) => created)).toHaveLength(1);
    expect(
      new Set(
        reports.map((report) =>
          JSON.stringify([report.stateDir, report.ownerNpub, report.agentNpub]),
        ),
      ).size,
    ).toBe(1);
    expect(await git(repo, "config", "--get-all", "remote.forge.url")).toBe(
      reports[0]?.layout.repositoryDir,
    );
    expect(await git(repo, "config", "--get-all", "remote.forge.fetch")).toBe(
      "+refs/heads/*:refs/remotes/forge/*",
    );
  });

  test("finds the forge by a remote of any name, and adds no second one", async () => {
    const { git, repository, init } = await newScene();
    const repo = await repository("r");
    await init(repo);
    await git(repo, "remote", "rename", "forge", "landing");
    expect((await init(repo)).remote).toBe("landing");
    expect(await git(repo, "remote")).toBe("landing");
  });
});

describe("the target", () => {
  test("is origin's default branch and begins at its tip; ahead and behind are told", async () => {
    const { git, repository, commit, clone, init } = await newScene();
    const upstream = await repository("up", "--initial-branch=trunk");
    const repo = await clone(upstream, "r");
    await commit(upstream, { "up.txt": "1" });
    const tip = await commit(upstream, { "up.txt": "2" });
    await commit(repo, { "mine.txt": "1" });
    await git(repo, "fetch", "-q");
    const report = await init(repo);
    expect(report).toMatchObject({
      target: "trunk",
      seededFrom: "origin",
      aheadBehind: { ahead: 1, behind: 2 },
    });
    expect(report.notes.join("\n")).toMatch(/1 ahead and 2 behind/);
    expect((await requireSettings(report.layout)).seed.sha).toBe(tip);
    expect(await git(repo, "remote", "get-url", "origin")).toBe(upstream);
  });

  test("is origin's main before the local branches, where origin names no default", async () => {
    const { git, repository, clone, init } = await newScene();
    const upstream = await repository("up");
    const repo = await clone(upstream, "r");
    await git(repo, "remote", "set-head", "origin", "--delete");
    await git(repo, "checkout", "-q", "-b", "master");
    expect((await init(repo)).target).toBe("main");
  });

  test("is the branch that is checked out, where there is no usual one", async () => {
    const { repository, init } = await newScene();
    expect((await init(await repository("r", "--initial-branch=größe/x"))).target).toBe("größe/x");
  });

  test("can be named, once", async () => {
    const { git, repository, init } = await newScene();
    const repo = await repository("r");
    await git(repo, "branch", "release");
    expect((await init(repo, { target: "release" })).target).toBe("release");
    expect((await init(repo)).target).toBe("release");
    expect(await failureOf(init(repo, { target: "main" }))).toMatchObject({ code: "wrong_target" });
  });

  test.each(["nowhere", "-x", "a..b", "a b", ""])("cannot be %j", async (target) => {
    const { stateHome, repository, init, config } = await newScene();
    const repo = await repository("r");
    const before = await config(repo);
    expect(await failureOf(init(repo, { target }))).toMatchObject({ code: "bad_argument" });
    expect(await config(repo)).toBe(before);
    expect(await readdir(stateHome).catch(() => [])).toEqual([]);
  });
});

describe("a repository that a local forge cannot hold is refused with a remedy:", () => {
  type Scene = Awaited<ReturnType<typeof newScene>>;
  const cases: [string, string, string, (scene: Scene) => Promise<string>][] = [
    ["none at all", "not_a_repository", "", async ({ dir }) => dir],
    [
      "a bare one",
      "not_a_repository",
      "work tree",
      async ({ repository, clone }) => clone(await repository("up"), "bare.git", "--bare"),
    ],
    [
      "an empty one",
      "unsupported_repository",
      "Commit something",
      async ({ dir, git }) => {
        await git(dir, "init", "-q", "empty");
        return join(dir, "empty");
      },
    ],
    [
      "a shallow one",
      "unsupported_repository",
      "--unshallow",
      async ({ repository, commit, clone }) => {
        const up = await repository("up");
        await commit(up, { b: "1" });
        return clone(`file://${up}`, "shallow", "--depth=1");
      },
    ],
    [
      "a partial one",
      "unsupported_repository",
      "--filter",
      async ({ repository, git, clone }) => {
        const up = await repository("up");
        await git(up, "config", "uploadpack.allowFilter", "true");
        return clone(`file://${up}`, "partial", "--filter=blob:none");
      },
    ],
    [
      "a sha256 one",
      "unsupported_repository",
      "sha1",
      async ({ repository }) => repository("r", "--object-format=sha256"),
    ],
    [
      "one with files in LFS",
      "unsupported_repository",
      "lfs migrate export",
      async ({ repository, commit, git }) => {
        const repo = await repository("r");
        await git(repo, "config", "filter.lfs.clean", "cat");
        await commit(repo, { ".gitattributes": "*.bin filter=lfs\n", "deep/x.bin": "1" });
        return join(repo, "deep");
      },
    ],
    [
      "one whose remote `forge` leads elsewhere",
      "unsupported_repository",
      "git remote rename forge",
      async ({ repository, git }) => {
        const repo = await repository("r");
        await git(repo, "remote", "add", "forge", "git@example.org:x.git");
        return repo;
      },
    ],
  ];
  test.each(cases)("%s", async (_what, code, remedy, make) => {
    const scene = await newScene();
    const where = await make(scene);
    const error = await failureOf(scene.init(where));
    expect(error).toMatchObject({ code, next: expect.stringContaining(remedy) });
    expect(await readdir(scene.stateHome).catch(() => [])).toEqual([]);
  });

  test("but an attribute without such files, and submodules, are taken", async () => {
    const { repository, commit, git, init } = await newScene();
    const other = await repository("other");
    const repo = await repository("r");
    await git(repo, "submodule", "add", "-q", other, "sub");
    await commit(repo, { ".gitattributes": "*.bin filter=lfs\n" });
    expect((await init(repo)).notes.join()).toContain("submodule");
  });
});

test("the state of an earlier repository at the same path is not taken over", async () => {
  const { repository, init, commit, git, dir } = await newScene();
  const repo = await repository("r");
  await init(repo);
  await rm(repo, { recursive: true });
  await mkdir(repo);
  await git(dir, "init", "-q", repo);
  await commit(repo, { other: "history" });
  expect(await failureOf(init(repo))).toMatchObject({
    code: "unsupported_repository",
    next: expect.stringContaining("--name"),
  });
  expect((await init(repo, { name: "anew" })).created).toBe(true);
});

test("a path through a link is the same repository", async () => {
  const { dir, repository, init } = await newScene();
  const repo = await repository("r");
  const { symlink } = await import("node:fs/promises");
  await symlink(repo, join(dir, "link"));
  const first = await init(join(dir, "link"));
  expect((await init(repo)).stateDir).toBe(first.stateDir);
  expect((await requireSettings(first.layout)).commonDir).toBe(await realpath(join(repo, ".git")));
});
