import { chmod, chown, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostingOf } from "../../../src/bin/hosting.ts";
import { readEnvironment } from "../../../src/config/environment.ts";

const { signal } = new AbortController();

describe("a member's file that others may change", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "land-members-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** What is told of the file `ann.keys`, which says whose it is as a file should. */
  async function told(change: (file: string) => Promise<unknown>): Promise<readonly string[]> {
    const file = join(dir, "ann.keys");
    await rm(file, { force: true });
    await writeFile(file, "# npub: junk\n", { mode: 0o644 });
    await chmod(file, 0o644);
    await change(file);
    const states = [join(dir, "forge")];
    const { skipped } = await hostingOf(readEnvironment(), signal).authorizedKeys({
      ...{ states, members: dir },
    });
    return skipped.filter((line) => line.file === "ann.keys").map(({ why }) => why);
  }
  const untrusted = [expect.stringContaining("others than root may change it")];

  it.each([0o664, 0o646, 0o666])("counts for nothing: mode %o", async (mode) => {
    expect(await told((file) => chmod(file, mode))).toEqual(untrusted);
  });

  it.skipIf(process.getuid?.() !== 0)("counts for nothing: another's", async () => {
    expect(await told((file) => chown(file, 4321, 4321))).toEqual(untrusted);
  });

  it.skipIf(process.getuid?.() !== 0)("counts for nothing: a link to another's", async () => {
    const elsewhere = join(dir, "elsewhere");
    await writeFile(elsewhere, "");
    await chown(elsewhere, 4321, 4321);
    const linked = told(async (file) => {
      await rm(file);
      await symlink(elsewhere, file);
    });
    expect(await linked).toEqual(untrusted);
  });

  it("is read where it is root's or one's own", async () => {
    expect(await told(async () => {})).toEqual([expect.stringContaining("that is no npub")]);
  });
});
