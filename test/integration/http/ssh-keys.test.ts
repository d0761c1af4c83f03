import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { activeKeysName, parseActiveKeys } from "../../../src/domain/active-keys.ts";
import { layoutOf } from "../../../src/local/layout.ts";
import { run } from "../../../src/process/run.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { newKey, startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let owner: string;
beforeAll(async () => {
  forge = await startTestForge();
  owner = await forge.login(forge.owner.nsec);
});
afterAll(() => forge?.close());

interface Wish {
  readonly npub: string;
  readonly active: boolean;
  readonly name?: string;
  readonly can_forge_write?: boolean;
}

const list = () => join(forge.config.hooksDir, activeKeysName);
const active = async () => parseActiveKeys(await readFile(list(), "utf8"));
const own = () => [forge.owner.npub, forge.agent.npub];
const change = (body: Wish) =>
  forge.api("POST", "/api/admin/keys", { name: body.npub, kind: "member", ...body }, owner);
const remove = (npub: string) => change({ npub, active: false });

describe("the list of keys for SSH", () => {
  it("lies where those who serve a connection look for it", () => {
    expect(layoutOf(forge.config.stateDir).hooksDir).toBe(forge.config.hooksDir);
  });

  it("follows each change at once: let in, taken out, let in again", async () => {
    expect(await active()).toEqual(new Set(own()));
    const { npub } = newKey();
    await change({ npub, active: true });
    expect(await active()).toEqual(new Set([...own(), npub]));
    await remove(npub);
    expect(await active()).toEqual(new Set(own()));
    await forge.api("POST", "/api/admin/allowlist", { npub, active: true }, owner);
    expect(await active()).toEqual(new Set([...own(), npub]));
    await remove(npub);
  });

  it("lets nobody in where it cannot be written, and the owner is told", async () => {
    const { npub } = newKey();
    await change({ npub, active: true });
    // A folder in the way of the new list, under the name that it would be written to first.
    const inTheWay = `${list()}.${process.pid}.new`;
    await mkdir(inTheWay);
    const { status, json } = await remove(npub);
    expect(status).toBe(500);
    expect(json.error).toContain("Nobody is let in over SSH until it is");
    await expect(stat(list())).rejects.toThrow("ENOENT");
    const { keys } = (await forge.api("GET", "/api/admin/keys", undefined, owner)).json;
    expect(keys).toContainEqual(expect.objectContaining({ npub, active: false }));
    await rm(inTheWay, { recursive: true });
    expect((await remove(npub)).status).toBe(200);
    expect(await active()).toEqual(new Set(own()));
  });
});

describe("who pushed", () => {
  async function pushAs(npub: string, branch: string) {
    await forge.git(["switch", "-q", "-c", branch, "main"]);
    await forge.git(["commit", "-q", "--allow-empty", "-m", `Add ${branch}`]);
    return run("git", ["-C", forge.repoDir, "push", "-q", "forge", branch], {
      env: { ...forge.env, LAND_PUSHED_BY: npub },
      timeoutMs: 20_000,
    });
  }

  it("is shown with the branch: in its detail, in the list, on its page and in the feed", async () => {
    const { npub } = newKey();
    await change({ npub, active: true, name: "ann" });
    expect((await pushAs(npub, "feature")).exitCode).toBe(0);
    const { branch } = await forge.until("feature", owner, (d) => d.branch.pushed_by !== null);
    expect(branch).toMatchObject({ pushed_by: npub, pushed_by_name: "ann" });
    const listed = await forge.api("GET", "/api/forge/branches", undefined, owner);
    expect(listed.json.branches[0]).toMatchObject({ pushed_by_name: "ann" });
    for (const path of ["/git", `/git/branch/${branch.branch_id}`]) {
      expect((await forge.api("GET", path)).text).toContain("pushed by ann");
    }
    await remove(npub);
  });

  it("is nobody where the push did not come over SSH", async () => {
    await forge.push("plain", { "a.txt": "a\n" });
    const { branch } = await forge.until("plain", owner, (d) => d.branch.ci_status === "success");
    expect(branch).toMatchObject({ pushed_by: null, pushed_by_name: null });
    const page = await forge.api("GET", `/git/branch/${branch.branch_id}`);
    expect(page.text).not.toContain("pushed by");
  });

  it("is refused while the key may only read, and not once it may land", async () => {
    const { npub } = newKey();
    await change({ npub, active: true, can_forge_write: false });
    expect(await active()).toContain(npub);
    const refused = await pushAs(npub, "reader");
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain("Your key may read at this forge, and not push");
    await change({ npub, active: true, can_forge_write: true });
    expect((await pushAs(npub, "writer")).exitCode).toBe(0);
    await remove(npub);
  });

  it("is refused after the key was taken out, in a session that was open before", async () => {
    const { npub } = newKey();
    await change({ npub, active: true });
    expect((await pushAs(npub, "before")).exitCode).toBe(0);
    await remove(npub);
    const { exitCode, stderr } = await pushAs(npub, "after");
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("Your key is not active at this forge any more");
    expect(await forge.git(["ls-remote", "forge", "refs/heads/after"])).toBe("");
  });
});

describe("the list of keys for SSH", () => {
  it("is made anew at each start, whatever became of it", async () => {
    await forge.server.close();
    const store = openStore(forge.config.storeFile, { now: () => new Date() });
    const key = store.read.key(forge.agent.npub);
    if (key !== undefined) store.write((tx) => tx.putKey({ ...key, active: false }));
    store.close();
    await writeFile(list(), `${newKey().npub}\n${forge.agent.npub}\n`);
    forge = await forge.restart();
    expect(await active()).toEqual(new Set([forge.owner.npub]));
  });
});
