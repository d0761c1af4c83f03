import fc from "fast-check";
import { expect, test } from "vitest";
import { maxActs, maxRebases } from "../../../src/landing/planner.ts";
import { type Happening, happenings, LandingWorld } from "../../support/landing-world.ts";

const options = {
  branch: undefined,
  target: undefined,
  dryRun: false,
  maxSeconds: 60,
  merge: true,
};

const time = 40;
/** Each act may cost a look and a wait; each wait costs time. */
const bound = 3 * (maxActs + time) + 10;

test("whatever happens between the steps, a landing ends, and ends truthfully", () => {
  const plan = fc.array(fc.constantFrom(...happenings), { maxLength: 60 });
  fc.assert(
    fc.property(plan, (between) => {
      const world = new LandingWorld(time);
      const ending = world.run(between, options, bound);
      expect(ending).toBeDefined();
      expect(world.violations).toEqual([]);
      if (ending?.state === "landed") expect(world.landed(world.head)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test("left alone with a green CI it lands, in few steps", () => {
  const world = new LandingWorld(time);
  expect(world.run(["ci_green"], options, bound)).toMatchObject({
    state: "landed",
    already: false,
  });
  expect(world.steps).toBeLessThan(12);
});

test("a target that moves now and then only costs rounds", () => {
  const between: Happening[] = ["ci_green", "ci_green", "ci_green", "ci_green", "ci_green"];
  for (let at = 0; at < 9; at += 1) between.push("target_moves", ...between.slice(0, 5));
  const world = new LandingWorld(time);
  expect(world.run(between, options, bound)).toMatchObject({ state: "landed" });
});

test("a target that never stands still hands back after a fair number of rounds", () => {
  const world = new LandingWorld(10 * bound);
  const ending = world.run(["target_moves"], options, bound);
  expect(ending).toMatchObject({ state: "waiting", on: expect.stringContaining(`${maxRebases}`) });
});
