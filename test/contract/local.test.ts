import { describe } from "vitest";
import { localWorld } from "./local-world.ts";
import { runCases } from "./run-cases.ts";

describe.each([
  ["/news", "seed"],
  ["/git", "head"],
] as const)("the local forge below %s keeps the contract:", (_prefix, revision) => {
  runCases(revision, localWorld);
});
