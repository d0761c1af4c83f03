import { defineConfig } from "vitest/config";

/** A real systemd, sshd and reverse proxy with the shipped files. Where they are absent, they skip. */
export default defineConfig({
  test: {
    include: ["test/hosting/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 90_000,
    fileParallelism: false,
    reporters: ["verbose"],
  },
});
