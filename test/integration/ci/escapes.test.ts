import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { probeIsolation } from "../../../src/server/ci/sandbox.ts";
import { CiBench, shellLane } from "../../support/ci.ts";

const isThere = probeIsolation({ PATH: process.env.PATH }) === "bwrap";
const missing = isThere ? "" : " (skipped: bubblewrap is missing here)";

let bench: CiBench;
beforeEach(async () => {
  bench = await CiBench.make();
});
afterEach(() => bench.dispose());

/** A commit with further index entries (`mode,object,path`), on top of what is there. */
async function commitEntries(...entries: string[]): Promise<string> {
  const { work, config } = bench;
  for (const entry of entries) {
    await work.run({ args: ["update-index", "--add", "--cacheinfo", entry] });
  }
  await work.run({ args: ["commit", "-q", "-m", "Entries"] });
  await work.run({ args: ["push", "-q", config.repositoryDir, "+HEAD:refs/heads/entries"] });
  return work.text(["rev-parse", "HEAD"]);
}

/** An executable of the branch that leaves a trace where no sandboxed lane can. */
async function trap(proof: string): Promise<string> {
  const args = ["hash-object", "-w", "--stdin"];
  const made = await bench.work.run({ args, input: `#!/bin/sh\ntouch ${proof}\n` });
  return made.stdout.trim();
}

describe.runIf(isThere)(`what a lane leaves in its workspace${missing}`, () => {
  it("never leads the forge to folders elsewhere by way of a link", async () => {
    const outside = join(bench.dir, "outside");
    await mkdir(join(outside, "module", "work"), { recursive: true });
    const first = await bench.commit({ "deep/file.txt": "content\n" });
    const head = await commitEntries(`160000,${first},deep/module`, `160000,${first},deep/new`);
    bench.start({ isolation: "probe" });
    const script = `rm -r deep && ln -s ${outside} deep`;
    expect(await bench.runLane(head, shellLane(script))).toMatchObject({ status: "success" });
    const again =
      "test ! -L deep && test -d deep/module && test -d deep/new && test -f deep/file.txt";
    expect(await bench.runLane(head, shellLane(again))).toMatchObject({ status: "success" });
    expect(readdirSync(outside)).toEqual(["module"]);
    expect(readdirSync(join(outside, "module"))).toEqual(["work"]);
  });
});

describe.runIf(isThere)(`a PATH with folders that are not absolute${missing}`, () => {
  it("never makes the forge run a program of the branch", async () => {
    const proof = join(bench.dir, "proof");
    await bench.commit({ "file.txt": "content\n" });
    const object = await trap(proof);
    const head = await commitEntries(`100755,${object},bwrap`, `100755,${object},git`);
    Object.assign(bench.config.env, { PATH: `.::${process.env.PATH}` });
    bench.start({ isolation: "probe" });
    for (const _ of ["first", "second"]) {
      const lane = await bench.runLane(head, shellLane("true"));
      expect(lane).toMatchObject({ status: "success", isolation: "bwrap" });
    }
    expect(existsSync(proof)).toBe(false);
  });
});

describe("a lane's cache", () => {
  it("is made anew where a lane left something that cannot be used", async () => {
    const head = await bench.commit({ "file.txt": "content\n" });
    bench.start();
    const ways = [
      'rm -rf "$npm_config_cache" && touch "$npm_config_cache"',
      'rm -rf "$XDG_CACHE_HOME" && ln -s /nowhere/at/all "$XDG_CACHE_HOME"',
      'rm -rf "$CARGO_HOME" && ln -s "$CARGO_HOME" "$CARGO_HOME"',
    ];
    for (const way of ways) {
      expect(await bench.runLane(head, shellLane(way))).toMatchObject({ status: "success" });
      const next = 'touch "$npm_config_cache/a" "$XDG_CACHE_HOME/a" "$CARGO_HOME/a"';
      expect(await bench.runLane(head, shellLane(next))).toMatchObject({ status: "success" });
    }
  });
});
