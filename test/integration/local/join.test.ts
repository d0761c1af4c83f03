import { cp } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { requireSettings } from "../../../src/local/settings.ts";
import { failureOf } from "../../support/agent-half.ts";
import { newScene } from "../../support/init-scene.ts";

describe("a second clone", () => {
  test("joins the forge of the clone that it was cloned from", async () => {
    const { git, repository, clone, init } = await newScene();
    const repo = await repository("r");
    const first = await init(repo);
    const second = await clone(repo, "second");
    const joined = await init(second, { join: true });
    expect(joined).toMatchObject({ created: false, joined: true, stateDir: first.stateDir });
    expect(await git(second, "config", "land.forge")).toBe(first.stateDir);
    expect(await git(second, "remote", "get-url", "origin")).toBe(repo);
    expect(await init(second, { join: true })).toMatchObject({ stateDir: first.stateDir });
  });

  test("joins the forge of another clone of the same origin, in whatever spelling", async () => {
    const { git, repository, clone, init } = await newScene();
    const up = await repository("up");
    const [one, two] = [await clone(up, "one"), await clone(up, "two")];
    await git(one, "remote", "set-url", "origin", "git@git.example.org:o/r.git");
    await git(two, "remote", "set-url", "origin", "https://ada@git.example.org/o/r");
    const first = await init(one);
    expect((await init(two, { join: true })).stateDir).toBe(first.stateDir);
    expect((await requireSettings(first.layout)).repo).toBe("o/r");
  });

  test("joins by shared first commits where there is no origin", async () => {
    const { dir, git, repository, init } = await newScene();
    const repo = await repository("r");
    const first = await init(repo);
    await cp(repo, join(dir, "copy"), { recursive: true });
    const copy = join(dir, "copy");
    await git(copy, "config", "--unset", "land.forge");
    await git(copy, "remote", "remove", "forge");
    expect((await init(copy, { join: true })).stateDir).toBe(first.stateDir);
  });

  test("fetches what the forge has", async () => {
    const { git, repository, clone, init } = await newScene();
    const repo = await repository("r");
    const first = await init(repo);
    await git(repo, "clone", "-q", "--bare", repo, first.layout.repositoryDir);
    const second = await clone(repo, "second");
    await init(second, { join: true });
    expect(await git(second, "rev-parse", "refs/remotes/forge/main")).toBe(
      await git(repo, "rev-parse", "main"),
    );
  });

  test("is told where it could join more than one, and joins the named one", async () => {
    const { git, repository, clone, init } = await newScene();
    const up = await repository("up");
    const [one, two, three] = [
      await clone(up, "one"),
      await clone(up, "two"),
      await clone(up, "three"),
    ];
    for (const repo of [one, two, three]) await git(repo, "remote", "remove", "origin");
    const first = await init(one);
    const second = await init(two);
    const error = await failureOf(init(three, { join: true }));
    expect(error).toMatchObject({ code: "bad_argument" });
    expect((error as { next: string }).next).toContain(first.stateDir);
    expect((await init(three, { join: "../two" })).stateDir).toBe(second.stateDir);
    expect(await failureOf(init(three, { join: first.stateDir }))).toMatchObject({
      code: "unsupported_repository",
      next: expect.stringContaining("git config --unset"),
    });
  });

  test("joins nothing that it shares no history with, and nothing that is not there", async () => {
    const { dir, repository, init } = await newScene();
    const first = await init(await repository("r"));
    const other = await repository("other");
    expect(await failureOf(init(other, { join: first.stateDir }))).toMatchObject({
      code: "unrelated_histories",
    });
    expect(await failureOf(init(other, { join: true }))).toMatchObject({ code: "no_forge" });
    expect(await failureOf(init(other, { join: join(dir, "nowhere") }))).toMatchObject({
      code: "no_forge",
    });
  });

  test("that makes a forge of its own is told of the other one", async () => {
    const { repository, clone, init } = await newScene();
    const up = await repository("up");
    const first = await init(await clone(up, "one"));
    const report = await init(await clone(up, "two"));
    expect(report.notes.join()).toContain(first.stateDir);
    expect(report.stateDir).not.toBe(first.stateDir);
  });
});
