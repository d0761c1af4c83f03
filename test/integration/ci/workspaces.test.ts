import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Git } from "../../../src/git/git.ts";
import { programIn } from "../../../src/process/search-path.ts";
import { Workspaces } from "../../../src/server/ci/workspaces.ts";
import { eventually } from "../../support/ci.ts";
import { ciConfig, usualSettings } from "../../support/ci-config.ts";

let dir: string;
let head: string;
let gate: string;
let workspaces: Workspaces;

/** A pool of one, with a git that cleans only once the gate is open. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-pool-"));
  gate = join(dir, "gate");
  const { env } = ciConfig(dir, () => usualSettings);
  const work = new Git({ dir, env });
  await work.run({ args: ["init", "-q", "--initial-branch=main"] });
  await work.run({ args: ["commit", "-q", "--allow-empty", "-m", "A change"] });
  head = await work.text(["rev-parse", "HEAD"]);
  await mkdir(join(dir, "slow"));
  const wrapper = `#!/bin/sh
    case " $* " in *" clean "*) touch ${dir}/cleaning; until [ -e ${gate} ]; do sleep 0.02; done;; esac
    exec ${programIn(process.env.PATH, "git")} "$@"\n`;
  await writeFile(join(dir, "slow", "git"), wrapper, { mode: 0o755 });
  workspaces = new Workspaces({
    dir: join(dir, "workspaces"),
    objectsDir: join(dir, ".git", "objects"),
    env: { ...env, PATH: `${join(dir, "slow")}:${env.PATH}` },
    isRunning: () => false,
    most: () => 1,
    patienceMs: 400,
  });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const claim = (id: number) => ({ id, claimToken: 1, head });

it("whoever waits for a workspace can be called off, and gets one more in the end", async () => {
  const { signal } = new AbortController();
  const first = await workspaces.take(claim(1), signal);
  const released = first.release();
  await expect.poll(() => existsSync(join(dir, "cleaning")), eventually).toBe(true);

  const calledOff = new AbortController();
  const waits = workspaces.take(claim(2), calledOff.signal);
  calledOff.abort();
  await expect(waits).rejects.toMatchObject({ code: "cancelled" });

  // What is being cleaned for too long holds up nobody.
  const other = await workspaces.take(claim(3), signal);
  expect(other.tree).not.toBe(first.tree);
  await writeFile(gate, "");
  await Promise.all([released, other.release()]);
  const next = await workspaces.take(claim(4), signal);
  expect([first.tree, other.tree]).toContain(next.tree);
  await next.release();
});
