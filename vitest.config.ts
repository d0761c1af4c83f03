import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Each worker is a process of its own, and would compile the same modules anew.
const cache = join(import.meta.dirname, "node_modules", ".cache", "forge-landing-kit");
process.env.NODE_COMPILE_CACHE ??= join(cache, "compiled");

export default defineConfig({
  test: {
    include: ["test/{unit,integration,contract,e2e,policy}/**/*.test.{ts,tsx}"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
    // A process for each of hundreds of files costs more than their tests; so a test file ends what
    // it began, and the builders of test/support register nothing when they are imported.
    isolate: false,
    reporters: ["default"],
  },
});
