import { expect } from "vitest";
import type { WorkingCopy } from "../../src/git/working-copy.ts";
import type { LandingEnd, LandingOptions } from "../../src/landing/ends.ts";
import { land } from "../../src/landing/land.ts";
import { ForgeDouble, HandClock } from "./forge-double.ts";
import { makeScene, type Scene } from "./worktrees.ts";

/** A clone on branch `x` with one commit of its own, a strict forge double, and time by hand. */
export interface LandingScene {
  readonly scene: Scene;
  readonly work: string;
  readonly copy: WorkingCopy;
  /** May be replaced by another over the same repository. */
  forge: ForgeDouble;
  readonly clock: HandClock;
  /** The tip of `x` at the beginning. */
  readonly head: string;
  readonly stop: AbortController;
  /** Lands what is checked out, or what the options say. */
  ask(options?: Partial<LandingOptions>, copy?: WorkingCopy): Promise<LandingEnd>;
  /** The target's tip on the forge. */
  target(): Promise<string>;
  /** A branch's tip on the forge. */
  there(branch: string): Promise<string | undefined>;
  /** Each merge has the very tree of the head that it merged, which CI had tested. */
  expectEachMergeTested(): Promise<void>;
}

export async function makeLandingScene(): Promise<LandingScene> {
  const scene = await makeScene();
  const work = await scene.clone("work");
  await scene.git(work, "checkout", "-q", "-b", "x");
  const head = await scene.commit(work, { "mine.txt": "mine\n" });
  const copy = await scene.open(work);
  const clock = new HandClock();
  const stop = new AbortController();
  const made: LandingScene = {
    ...{ scene, work, copy, clock, head, stop },
    forge: new ForgeDouble(scene),
    ask: (options = {}, where = copy) =>
      land(
        {
          copy: where,
          forge: made.forge,
          remote: "forge",
          changes: clock.subscribe,
          clock,
          signal: stop.signal,
          progress: () => {},
        },
        {
          ...{ branch: undefined, target: undefined, dryRun: false, maxSeconds: 60, merge: true },
          ...options,
        },
      ),
    target: () => scene.git(scene.forge, "rev-parse", "refs/heads/main"),
    there: (branch) => copy.remoteTip("forge", branch),
    async expectEachMergeTested() {
      const merges = await scene.git(scene.forge, "log", "--merges", "--format=%T %P", "main");
      for (const line of merges.split("\n").filter((text) => text !== "")) {
        const [tree, , merged] = line.split(" ");
        expect(await scene.git(scene.forge, "rev-parse", `${merged}^{tree}`)).toBe(tree);
      }
    },
  };
  return made;
}
