import { describe } from "vitest";
import { localWorld } from "./local-world.ts";
import { runCases } from "./run-cases.ts";

describe("the local forge below /git keeps the contract:", () => {
  runCases("head", localWorld);
});
