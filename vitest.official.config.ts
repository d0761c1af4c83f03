import { defineConfig } from "vitest/config";

/** The protocol's own checks against the built server; `npm run test:official` installs them. */
export default defineConfig({
  test: {
    include: ["test/official/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 90_000,
    maxWorkers: 2,
    reporters: ["default"],
  },
});
