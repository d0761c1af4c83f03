import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CanonicalBench } from "../../support/canonical.ts";

it("makes its repository wherever the state folder is", async () => {
  const top = await realpath(await mkdtemp(join(tmpdir(), "flk-open-")));
  try {
    const dir = join(top, 'a "b" c\\n # d; e');
    await mkdir(dir);
    const bench = await CanonicalBench.makeAnew({ target: "the/target" }, dir);
    try {
      expect(await bench.bare.text(["config", "core.hooksPath"])).toBe(bench.config.hooksDir);
      expect(await bench.bare.text(["symbolic-ref", "HEAD"])).toBe("refs/heads/the/target");
      await bench.commit({ "more.txt": "more\n" });
      expect((await bench.push("the/target")).ok).toBe(false);
      expect((await bench.push("a/branch")).ok).toBe(true);
    } finally {
      await bench.dispose();
    }
  } finally {
    await rm(top, { recursive: true, force: true });
  }
});
