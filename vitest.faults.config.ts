import { defineConfig } from "vitest/config";

/**
 * The slow fault tests: real processes that are killed at every step, and thousands of histories of
 * the scheduler's model. One file at a time.
 */
export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts", "test/integration/ci/model.test.ts"],
    env: { FLK_MODEL_RUNS: "3000" },
    // Hundreds of landings one after the other, on a machine that may have much else to do.
    testTimeout: 1_200_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    reporters: ["verbose"],
  },
});
