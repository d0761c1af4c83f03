import { chmod, mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type MirroredForge, standIn, startMirrored } from "../../support/mirror.ts";

let mirrored: MirroredForge | undefined;
afterEach(async () => {
  await mirrored?.close();
  mirrored = undefined;
});

/** A commit on a mirror's target that the forge does not have. */
async function commitThere({ forge }: MirroredForge, bare: string, on: string): Promise<string> {
  await forge.git(["checkout", "-q", "--detach", on]);
  await forge.git(["commit", "-q", "--allow-empty", "-m", "Made there"]);
  await forge.git(["push", "-q", bare, "HEAD:refs/heads/main"]);
  return forge.git(["rev-parse", "HEAD"]);
}

async function lastFailure({ status }: MirroredForge) {
  const { failure_kind, error_text } = (await status()).mirror_status.last_attempt;
  return { kind: failure_kind, words: error_text };
}

it("says so where its address is the forge's own repository", async () => {
  mirrored = await startMirrored();
  const own = mirrored.forge.config.repositoryDir;
  for (const url of [own, `file://${own}`, `${own}/.`, own.slice(0, -".git".length)]) {
    mirrored.set({ url });
    expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
    const words = "The mirror's address is the forge's own repository.";
    expect(await lastFailure(mirrored)).toEqual({ kind: "config", words });
  }
});

it("holds no other mirror to where an earlier one went", async () => {
  mirrored = await startMirrored({ import: true });
  const { forge, bare } = mirrored;
  await mirrored.sync();
  const begun = await forge.git(["rev-parse", "main"]);
  const landing = async (name: string, on: string) => {
    await forge.git(["fetch", "-q", "forge", "main"]);
    await forge.push(name, { [name]: "1\n" }, on);
    return mirrored?.land(name);
  };
  const first = (await landing("first", begun))?.json.merge_commit_sha;
  await commitThere(mirrored, bare, begun);
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect((await landing("second", first))?.status).toBe(409);
  // Nobody has looked at this one yet.
  mirrored.set({ url: join(forge.dir, "another.git") });
  expect((await landing("third", first))?.status).toBe(200);
  mirrored.set({ url: bare });
  const { issues } = (await mirrored.status()).forge_health;
  expect(issues).toContainEqual(expect.objectContaining({ code: "mirror_diverged" }));
});

it("takes nothing over from a shallow mirror, and says why", async () => {
  mirrored = await startMirrored({ import: true });
  const { forge, bare } = mirrored;
  await mirrored.sync();
  const begun = await forge.git(["rev-parse", "main"]);
  await commitThere(mirrored, bare, await commitThere(mirrored, bare, begun));
  const shallow = join(forge.dir, "shallow.git");
  await forge.git(["clone", "-q", "--bare", "--depth=1", `file://${bare}`, shallow]);
  mirrored.set({ url: shallow });
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  const words = expect.stringMatching(/shallow .*--unshallow/);
  expect(await lastFailure(mirrored)).toEqual({ kind: "config", words });
  expect(await forge.git(["rev-parse", "main"], forge.config.repositoryDir)).toBe(begun);
  await forge.git(["fetch", "-q", "--unshallow"], shallow);
  expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
});

it("repeats what the mirror says of a ref that it declines, without what would draw on a screen", async () => {
  mirrored = await startMirrored();
  const hook = join(mirrored.bare, "hooks", "pre-receive");
  await mkdir(join(mirrored.bare, "hooks"), { recursive: true });
  await writeFile(
    hook,
    "#!/bin/sh\nprintf '\\033[2Jbig.bin is\\033[31m too big\\a\\n' >&2; exit 1\n",
  );
  await chmod(hook, 0o755);
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  const { kind, words } = await lastFailure(mirrored);
  expect(kind).toBe("rejected");
  expect(words).toMatch(/refs\/heads\/main: .*hook declined.*It said: big\.bin is too big$/);
});

it("names an address where a web server is, and no repository", async () => {
  const host = await standIn((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in</html>");
  });
  try {
    mirrored = await startMirrored({ url: host.url });
    expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
    const words = expect.stringMatching(/git push failed: .*DAV/);
    expect(await lastFailure(mirrored)).toEqual({ kind: "config", words });
  } finally {
    await host.close();
  }
});

it("ends a push whose address was changed or taken away, and begins the one that is asked for", async () => {
  let arrived: () => void = () => {};
  const host = await standIn(() => arrived());
  const untilHanging = () =>
    new Promise<void>((resolve) => {
      arrived = resolve;
    });
  try {
    mirrored = await startMirrored({ url: host.url, timeoutSeconds: 600 });
    const { forge, bare } = mirrored;
    let hanging = untilHanging();
    const changed = mirrored.sync();
    await hanging;
    mirrored.set({ url: bare });
    expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
    expect((await changed).json).toMatchObject({ status: "failed" });
    mirrored.set({ url: host.url });
    hanging = untilHanging();
    const off = mirrored.sync();
    await hanging;
    forge.settings.mirror = null;
    expect((await off).json).toMatchObject({ status: "failed" });
    expect(await mirrored.leftovers()).toEqual([]);
  } finally {
    await host.close();
  }
});

it("removes the packs that fetches which were killed left behind, and none that may be in use", async () => {
  mirrored = await startMirrored({ import: true });
  const { forge, bare } = mirrored;
  await mirrored.sync();
  const packs = join(forge.config.repositoryDir, "objects", "pack");
  await mkdir(packs, { recursive: true });
  for (const name of ["tmp_pack_old", "tmp_pack_new"]) await writeFile(join(packs, name), "PACK");
  const before = new Date(Date.now() - 3_600_000);
  await utimes(join(packs, "tmp_pack_old"), before, before);
  await commitThere(mirrored, bare, await forge.git(["rev-parse", "main"]));
  expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  const left = (await readdir(packs)).filter((name) => name.startsWith("tmp_"));
  expect(left).toEqual(["tmp_pack_new"]);
});
