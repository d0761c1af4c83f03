import { defineConfig } from "vitest/config";

/** The slow fault tests: real processes that are killed at every step. One file at a time. */
export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    reporters: ["verbose"],
  },
});
