import { chmod, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { activeKeysName, activeKeysText } from "../../../src/domain/active-keys.ts";
import { run } from "../../../src/process/run.ts";
import { pushNotesDir } from "../../../src/server/repository/push-notes.ts";
import { CanonicalBench } from "../../support/canonical.ts";

let bench: CanonicalBench;
beforeEach(async () => {
  bench = await CanonicalBench.make();
});
afterEach(() => bench.dispose());

/** A commit on top of the target that a push could bring. */
async function somethingToPush(): Promise<void> {
  await bench.startFrom();
  await bench.commit({ "new.txt": "new" });
}

describe("the update hook", () => {
  it("refuses a push to the target in words that help, and nothing moves", async () => {
    const before = await bench.tip("main");
    await somethingToPush();
    const pushed = await bench.push("main");
    expect(pushed.ok).toBe(false);
    expect(pushed.said).toContain("The branch main is this forge's target");
    expect(pushed.said).toContain("land");
    expect(await bench.tip("main")).toBe(before);
    expect((await bench.push("main", "")).ok).toBe(false);
    expect(await bench.tip("main")).toBe(before);
  });

  it.each(["refs/land/heads/1/x", "refs/replace/1"])("refuses a push to %s", async (ref) => {
    await somethingToPush();
    expect((await bench.pushRef(ref)).ok).toBe(false);
    expect(await bench.ref(ref)).toBeUndefined();
  });

  it("lets everything else pass", async () => {
    await somethingToPush();
    expect(await bench.push("mains")).toMatchObject({ ok: true });
    expect(await bench.push("a/main")).toMatchObject({ ok: true });
    expect(await bench.pushRef("refs/tags/main")).toMatchObject({ ok: true });
  });

  it("is there whatever hooks the user's own configuration names", async () => {
    const own = join(bench.dir, "own-hooks");
    await mkdir(own);
    for (const name of ["update", "post-receive", "reference-transaction"]) {
      await writeFile(join(own, name), "#!/bin/sh\nexit 0\n");
      await chmod(join(own, name), 0o755);
    }
    const global = join(bench.dir, "gitconfig");
    await writeFile(global, `[core]\n\thooksPath = ${own}\n`);
    Object.assign(bench.config.env, { GIT_CONFIG_GLOBAL: global });
    expect(await bench.work.text(["config", "core.hooksPath"])).toBe(own);
    await somethingToPush();
    expect((await bench.push("main")).ok).toBe(false);
    expect((await bench.push("feature")).ok).toBe(true);
  });

  it("takes a target's name as a name", async () => {
    await bench.dispose();
    const target = 'm"$(touch$IFS"pwned")`x';
    bench = await CanonicalBench.make({ target });
    await somethingToPush();
    const pushed = await bench.push(target);
    expect(pushed).toMatchObject({ ok: false, said: expect.stringContaining(target) });
    expect((await bench.push("main")).ok).toBe(true);
    await expect(stat(join(bench.config.repositoryDir, "pwned"))).rejects.toThrow();
  });

  it("refuses all pushes when it cannot know the target", async () => {
    await writeFile(join(bench.config.hooksDir, "target"), "");
    await somethingToPush();
    expect((await bench.push("feature")).ok).toBe(false);
    await bench.restart();
    expect((await bench.push("feature")).ok).toBe(true);
  });

  it.each(["update", "post-receive"])("needs no PATH: %s", async (name) => {
    const hook = join(bench.config.hooksDir, name);
    const finished = await run(hook, ["refs/heads/main", "0", "1"], {
      env: { PATH: "/nonexistent" },
      timeoutMs: 10_000,
    });
    expect(finished.exitCode).toBe(name === "update" ? 1 : 0);
    expect(finished.stderr).not.toContain("not found");
  });
});

describe("the post-receive hook", () => {
  it("touches the wake file", async () => {
    const before = await readFile(bench.config.wakeFile, "utf8");
    await somethingToPush();
    await bench.push("feature");
    expect(await readFile(bench.config.wakeFile, "utf8")).not.toBe(before);
  });
});

describe("opening the repository", () => {
  it("again changes nothing, and mends what somebody changed", async () => {
    const hook = join(bench.config.hooksDir, "update");
    const before = await stat(hook);
    await bench.restart();
    expect((await stat(hook)).mtimeMs).toBe(before.mtimeMs);
    expect(before.mode & 0o777).toBe(0o755);
    await chmod(hook, 0o644);
    await bench.bare.run({ args: ["config", "core.hooksPath", "/nowhere"] });
    await bench.bare.run({ args: ["symbolic-ref", "HEAD", "refs/heads/other"] });
    await bench.restart();
    expect((await stat(hook)).mode & 0o777).toBe(0o755);
    expect(await bench.bare.text(["config", "core.hooksPath"])).toBe(bench.config.hooksDir);
    expect(await bench.bare.text(["symbolic-ref", "HEAD"])).toBe("refs/heads/main");
  });

  it("sets what keeps the repository safe in the repository itself", async () => {
    const settings = await bench.bare.text(["config", "--local", "--list"]);
    expect(settings.split("\n")).toEqual(
      expect.arrayContaining([
        "core.fsync=all",
        "gc.auto=0",
        "maintenance.auto=false",
        "receive.autogc=false",
        "transfer.hiderefs=refs/land",
        "core.usereplacerefs=false",
      ]),
    );
  });

  it("hides the private refs from those who fetch", async () => {
    const branch = await bench.greenBranch("feature");
    await bench.repository.merge({
      ...{ branchId: branch.id, head: undefined, force: undefined, by: "npub1agent" },
    });
    const seen = await bench.work.text(["ls-remote", bench.config.repositoryDir]);
    expect(seen).not.toContain("refs/land");
    expect(await bench.ref(`refs/land/heads/${branch.id}/${branch.head}`)).toBe(branch.head);
  });
});

describe("a push of which the author is known", () => {
  const npub = `npub1${"q".repeat(58)}`;
  const list = () => join(bench.config.hooksDir, activeKeysName);
  beforeEach(() => writeFile(list(), activeKeysText([`npub1${"p".repeat(58)}`, npub])));

  async function pushAs(name: string, ref = `refs/heads/${name}`) {
    await somethingToPush();
    const address = bench.config.repositoryDir;
    return run("git", ["-C", bench.work.place.dir, "push", address, `HEAD:${ref}`], {
      env: { ...bench.config.env, LAND_PUSHED_BY: npub },
      timeoutMs: 20_000,
    });
  }

  it("stands in the audit trail, once", async () => {
    expect((await pushAs("feature")).exitCode).toBe(0);
    await bench.repository.ingest();
    await bench.repository.ingest();
    const head = await bench.tip("feature");
    const trail = bench.store.read.audit({ action: "push", limit: 10 });
    expect(trail).toMatchObject([
      { npub, branchName: "feature", subject: "refs/heads/feature", head, result: "ok" },
    ]);
    expect(await readdir(pushNotesDir(bench.config))).toEqual([]);
    expect(bench.store.read.pusher(bench.record("feature").id, head ?? "")).toMatchObject({ npub });
    expect(bench.store.read.pusher(bench.record("feature").id, "1".repeat(40))).toBe(undefined);
  });

  it.each([
    ["has another's npub alone", `npub1${"p".repeat(58)}\n`],
    ["has one that begins the same", `${npub}x\n`],
    ["is cut off within its npub", npub.slice(0, 40)],
    ["is empty", ""],
    ["is not there", undefined],
  ])("is refused as a whole where the list of active keys %s", async (_what, text) => {
    await rm(list());
    if (text !== undefined) await writeFile(list(), text);
    const pushed = await pushAs("feature");
    expect(pushed.exitCode).toBe(1);
    expect(pushed.stderr).toContain("Your key is not active at this forge any more");
    expect(await bench.ref("refs/heads/feature")).toBeUndefined();
    expect((await bench.push("feature")).ok).toBe(true);
    await bench.repository.ingest();
    // What was refused makes nobody the author of the same commit, which another pushed.
    const { id, head } = bench.record("feature");
    expect(bench.store.read.pusher(id, head)).toBeUndefined();
    expect(bench.store.read.audit({ action: "push", limit: 10 })).toMatchObject([
      { npub, branchId: id, head, result: "refused", detail: "the key is not active" },
    ]);
  });

  it.each(["no\u00a0break", "wide\u3000space", "line\u2028end", "-x"])(
    "keeps its author whatever the branch is called: %j",
    async (name) => {
      expect((await pushAs(name)).exitCode).toBe(0);
      await bench.repository.ingest();
      expect(bench.store.read.audit({ action: "push", limit: 10 })).toMatchObject([
        { npub, subject: `refs/heads/${name}`, result: "ok" },
      ]);
    },
  );

  it("is refused where the key may only read", async () => {
    await writeFile(list(), activeKeysText([], [npub]));
    const pushed = await pushAs("feature");
    expect(pushed.exitCode).toBe(1);
    expect(pushed.stderr).toContain("Your key may read at this forge, and not push");
    expect(await bench.ref("refs/heads/feature")).toBeUndefined();
    await bench.repository.ingest();
    expect(bench.store.read.audit({ limit: 10 })).toMatchObject([
      { npub, action: "push", result: "refused", detail: "the key may only read" },
    ]);
  });

  it.each([
    ["refs/heads/main", "the target is never pushed to"],
    ["refs/replace/1", "the ref belongs to the forge"],
  ])(
    "stands in the trail where %s was refused, with what it would have become",
    async (ref, why) => {
      const before = await bench.tip("main");
      const woken = await readFile(bench.config.wakeFile, "utf8");
      expect((await pushAs("feature", ref)).exitCode).toBe(1);
      expect(await readFile(bench.config.wakeFile, "utf8")).not.toBe(woken);
      await bench.repository.ingest();
      await bench.repository.ingest();
      const head = await bench.work.text(["rev-parse", "HEAD"]);
      expect(bench.store.read.audit({ action: "push", limit: 10 })).toMatchObject([
        { npub, subject: ref, head, result: "refused", detail: why },
      ]);
      expect(await readdir(pushNotesDir(bench.config))).toEqual([]);
      expect(await bench.tip("main")).toBe(before);
    },
  );

  it("leaves half a note for the next pass, and others' files are no notes", async () => {
    const dir = pushNotesDir(bench.config);
    await writeFile(join(dir, "half"), `${npub} ${"1".repeat(40)} refs/he`);
    await writeFile(join(dir, "old"), "npub1nobody did something\n");
    await utimes(join(dir, "old"), 1, 1);
    await utimes(join(dir, "half"), bench.clock.now(), bench.clock.now());
    await bench.repository.ingest();
    expect(bench.store.read.audit({ action: "push", limit: 10 })).toEqual([]);
    expect(await readdir(dir)).toEqual(["half"]);
  });

  it("an unnamed push leaves no note", async () => {
    await somethingToPush();
    expect((await bench.push("feature")).ok).toBe(true);
    expect(await readdir(pushNotesDir(bench.config))).toEqual([]);
  });
});
