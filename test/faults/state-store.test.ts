import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aFaultScene, type FaultScene, landEnd } from "../support/faults.ts";
import { spawnMcp } from "../support/mcp.ts";

let scene: FaultScene;
let worktree: string;
let file: string;
const files = { "readme.txt": "one\n" };
beforeAll(async () => {
  scene = await aFaultScene(files, { ci: "none" });
  // A store with some content, so that damage in its middle is damage.
  for (let n = 0; n < 3; n += 1) {
    const dir = await scene.worktree(`work/${n}`, { [`file-${n}`]: `${n}\n` });
    await scene.landToEnd(dir);
  }
  worktree = await scene.worktree("work/next", { next: "next\n" });
  await scene.stop();
  file = join(scene.stateDir, "forge.db");
  copyFileSync(file, join(scene.dir, "good.db"));
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const hash = () => createHash("sha256").update(readFileSync(file)).digest("hex");
const known = () => {
  const db = new DatabaseSync(join(scene.dir, "good.db"), { readOnly: true });
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  db.close();
  return version;
};

function newer(): void {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA user_version = 99");
  db.close();
}

function truncated(): void {
  truncateSync(file, Math.floor(statSync(file).size / 2));
}

function garbage(from: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0xa5, from, from + 6 * 4096);
  writeFileSync(file, bytes);
}

describe.each([
  ["of a newer version", newer, () => `has version 99.*versions up to ${known()}.*update`],
  ["cut off in its middle", truncated, () => "store .*forge.db .*(damaged|malformed)"],
  ["that begins with garbage", () => garbage(0), () => "store .*forge.db .*not a database"],
  [
    "with garbage in its middle",
    () => garbage(8 * 4096),
    () => "store .*forge.db .*(damaged|malformed)",
  ],
])("a store %s", (_what, spoil, words) => {
  it("is told by every face in words, and not one byte is written", async () => {
    copyFileSync(join(scene.dir, "good.db"), file);
    spoil();
    const before = hash();
    const said = new RegExp(words(), "s");

    const end = landEnd(await scene.land(worktree, "--json"));
    expect(end).toMatchObject({ code: 9, state: "error: forge_unreachable" });
    expect(JSON.stringify(end.answer)).toMatch(said);

    const served = await scene.land(worktree, "serve");
    expect(served.code).toBe(1);
    expect(served.err).toMatch(said);
    expect(served.err).not.toMatch(/^\s+at /m);

    const doctor = await scene.land(worktree, "doctor");
    expect(doctor.out).toMatch(/missing +process +.*store/);
    expect(doctor.out).toMatch(said);

    await using connected = await spawnMcp(worktree, scene.env);
    const answer = await connected.client.callTool({ name: "list_branches", arguments: {} });
    expect(answer.isError).toBe(true);
    expect(JSON.stringify(answer.content)).toMatch(said);
    expect(hash()).toBe(before);
  });
});

it("is served again once a good one is put back", async () => {
  copyFileSync(join(scene.dir, "good.db"), file);
  expect((await scene.landToEnd(worktree)).at(-1)?.state).toBe("landed");
});
