import { describe } from "vitest";
import { doubleWorld } from "./double-world.ts";
import { runCases } from "./run-cases.ts";

describe.each(["seed", "head"] as const)("the double of %s keeps the contract:", (revision) => {
  runCases(revision, doubleWorld);
});
