import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { Git } from "../../../src/git/git.ts";

it("says what to look at where git cannot be started", async () => {
  const missing = new Git({ dir: tmpdir(), env: { PATH: "/nowhere" } });
  await expect(missing.text(["version"])).rejects.toMatchObject({
    code: "git_failed",
    message: "git version could not be started: spawn git ENOENT",
    next: "See that git is in PATH, and that the folder it is to work in is there.",
  });
});
