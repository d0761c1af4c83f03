import { defineConfig } from "vitest/config";

/** The real coding agents against a model on loopback; `npm run test:clients` installs them. */
export default defineConfig({
  test: {
    include: ["test/clients/**/*.test.ts"],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    maxWorkers: 2,
    reporters: ["verbose"],
  },
});
