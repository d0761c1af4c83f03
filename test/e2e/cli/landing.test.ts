import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type ForgeScene, withForge } from "../../support/cli.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let scene: ForgeScene;

beforeAll(async () => {
  scene = await withForge();
});

afterAll(() => scene[Symbol.asyncDispose]());

describe("land on a real repository", () => {
  it("lands the checked-out branch, shows what it does, and proves it", async () => {
    const head = await scene.branch("feature/one", { "one.txt": "1\n" });
    const before = await scene.land(["status", "--json"]);
    expect(before.json()).toMatchObject({ branch: "feature/one", state: "unpushed" });
    const landed = await scene.land([]);
    expect(landed).toMatchObject({ code: 0, out: expect.stringContaining("landed") });
    expect(landed.err.split("\n")).toEqual(
      expect.arrayContaining([expect.stringMatching(/^pushed /), expect.stringMatching(/^CI: /)]),
    );
    await scene.git("fetch", "-q", "forge");
    await scene.git("merge-base", "--is-ancestor", head, "refs/remotes/forge/main");
    const again = await scene.land(["--json"]);
    expect(again).toMatchObject({ code: 0, err: "" });
    expect(again.json()).toMatchObject({ state: "landed", already: true, head });
    expect((await scene.land(["status", "--json"])).json()).toMatchObject({ state: "merged" });
  });

  it("ends with 5 where CI fails, names the lane, and reads its log; fixed, it lands", async () => {
    await scene.branch("feature/red", { broken: "this is why\n" });
    const failed = await scene.land(["--json"]);
    expect(failed.code).toBe(5);
    expect(failed.json()).toMatchObject({ state: "ci_failed", lanes: [{ lane: "unit" }] });
    const log = await scene.land(["logs", "--lane", "unit"]);
    expect(log).toMatchObject({ code: 0, out: expect.stringContaining("this is why") });
    expect((await scene.land(["wait"])).code).toBe(5);
    expect((await scene.land(["merge"])).code).toBe(6);
    await scene.git("rm", "-q", "broken");
    await scene.git("commit", "-qm", "fix");
    expect((await scene.land([])).code).toBe(0);
  });

  it("refuses force where nobody can be asked, and merges nothing", async () => {
    await scene.branch("feature/forced", { broken: "no\n" });
    expect((await scene.land([])).code).toBe(5);
    const forced = await scene.land(["merge", "--force", "--reason", "now", "--json"]);
    expect(forced.code).toBe(6);
    expect((await scene.land(["status", "--json"])).json()).toMatchObject({ state: "open" });
  });

  it("ends with 4 on a conflict, and names the files", async () => {
    await scene.branch("feature/left", { "readme.txt": "left\n" });
    expect((await scene.land([])).code).toBe(0);
    await scene.branch("feature/right", { "readme.txt": "right\n" });
    const conflict = await scene.land(["--json"]);
    expect(conflict.code).toBe(4);
    expect(conflict.json()).toMatchObject({ state: "conflict", files: [{ path: "readme.txt" }] });
    expect((await scene.land(["rebase", "--abort"])).code).toBe(0);
    expect(await scene.git("status", "--porcelain")).toBe("");
  });

  it("closes a branch, and says so from then on", async () => {
    await scene.branch("feature/closed", { "closed.txt": "c\n" });
    expect((await scene.land(["push"])).code).toBe(0);
    expect((await scene.land(["wait"])).code).toBe(0);
    const closed = await scene.land(["close", "--reason", "not wanted", "--json"]);
    expect(closed).toMatchObject({ code: 0 });
    expect(closed.json()).toMatchObject({ state: "closed" });
    expect((await scene.land(["status", "--json"])).json()).toMatchObject({ state: "closed" });
  });

  it("refuses uncommitted changes and the target itself with 6, and changes nothing", async () => {
    await scene.branch("feature/dirty", { "dirty.txt": "d\n" });
    await scene.write({ "dirty.txt": "changed\n" });
    const dirty = await scene.land(["--json"]);
    expect(dirty).toMatchObject({ code: 6 });
    expect(dirty.json()).toMatchObject({ state: "refused", code: "uncommitted_changes" });
    expect(await scene.git("status", "--porcelain")).toContain("dirty.txt");
    await scene.git("checkout", "-q", "--", "dirty.txt");
    await scene.git("switch", "-q", "main");
    expect((await scene.land(["--json"])).json()).toMatchObject({ code: "on_target" });
  });
});

describe("commands around a landing", () => {
  it("answers where, who and what is queued", async () => {
    await scene.git("switch", "-q", "feature/one");
    const url = await scene.land(["url"]);
    expect(url.out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/git\/branch\/\d+\n$/);
    const who = await scene.land(["whoami", "--json"]);
    expect(who.json()).toMatchObject({ forge: "local", admin: false, can_land: true });
    expect((await scene.land(["queue", "--json"])).json()).toMatchObject({
      running: 0,
      waiting: 0,
    });
    expect((await scene.land(["list", "--state", "merged", "--json"])).json()).toMatchObject({
      branches: expect.arrayContaining([expect.objectContaining({ branch: "feature/one" })]),
    });
    expect((await scene.land(["logout"])).out).toContain("Logged out of local");
    expect((await scene.land(["login", "--json"])).json()).toMatchObject({ state: "logged_in" });
  });

  it("looks around from inside the shell", async () => {
    const doctor = await scene.land(["doctor", "--json"]);
    const { checks } = doctor.json() as { checks: { name: string; state: string }[] };
    expect(
      checks.filter((check) => check.state === "missing" || check.state === "blocked"),
    ).toEqual([]);
    const looked = ["git", "loopback", "state folder", "owner key", "ci manifest", "process"];
    expect(checks.map((check) => check.name)).toEqual(expect.arrayContaining(looked));
  });

  it("keeps values for lanes outside the repository, and never shows them", async () => {
    expect((await scene.land(["env", "set", "TOKEN"], { stdin: "hush-hush\n" })).code).toBe(0);
    const list = await scene.land(["env", "list", "--json"]);
    expect(list.json()).toEqual({ names: ["TOKEN"] });
    expect((await scene.land(["env", "unset", "TOKEN", "--json"])).json()).toMatchObject({
      was_set: true,
    });
  });

  it("refuses to serve a forge twice", async () => {
    const second = await scene.land(["serve"]);
    expect(second).toMatchObject({ code: 6, err: expect.stringContaining("served already") });
  });

  it("ends with 8 outside a repository, in words and as one JSON document", async () => {
    const plain = await scene.land([], { cwd: scene.dir });
    expect(plain).toMatchObject({ code: 8, out: "", err: expect.stringContaining("Next:") });
    const json = await scene.land(["status", "--json"], { cwd: scene.dir });
    expect(json.code).toBe(8);
    expect(json.json()).toMatchObject({ exit_code: 8, error: { code: "not_a_repository" } });
  });
});
