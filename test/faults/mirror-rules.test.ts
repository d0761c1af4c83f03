import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, it } from "vitest";
import { type MirroredForge, standIn, startMirrored } from "../support/mirror.ts";
import { root } from "../support/sources.ts";

let mirrored: MirroredForge | undefined;
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await mirrored?.close();
  mirrored = undefined;
  for (const end of ends.splice(0)) await end();
});

const hostileNames = [
  ...['a"b', "it's", "$(touch_x)", "`x`", "a;b", "a|b&c", "ünï-ß", "-x"],
  ...["--force", "refs/heads/x", "x.y/z", "HEAD", "a%2Fb", "@", "n".repeat(180)],
];

it("takes names of every kind, and a name in the place of another", async () => {
  mirrored = await startMirrored();
  const { forge } = mirrored;
  const main = await forge.git(["rev-parse", "main"]);
  const canonical = forge.config.repositoryDir;
  const refs = [...hostileNames.map((name) => `refs/heads/${name}`), "refs/tags/main"];
  for (const ref of refs) await forge.git(["update-ref", ref, main], canonical);
  expect((await mirrored.sync()).json).toMatchObject({ status: "success", lagging_ref_count: 0 });
  expect(Object.keys(await mirrored.refs()).sort()).toEqual([...refs, "refs/heads/main"].sort());
  await forge.git(["update-ref", "-d", "refs/heads/a;b"], canonical);
  await forge.git(["update-ref", "refs/heads/a;b/c", main], canonical);
  await forge.git(["update-ref", "-d", "refs/heads/x.y/z"], canonical);
  await forge.git(["update-ref", "refs/heads/x.y", main], canonical);
  expect((await mirrored.sync()).json).toMatchObject({ status: "success", lagging_ref_count: 0 });
  expect(await mirrored.refs()).toMatchObject({ "refs/heads/a;b/c": main, "refs/heads/x.y": main });
});

it("pushes what a mirror with rules of its own lets in, and names the rest", async () => {
  mirrored = await startMirrored();
  const { forge, bare } = mirrored;
  const canonical = forge.config.repositoryDir;
  const main = await forge.git(["rev-parse", "main"]);
  // As many hosts do it: one protected ref, and the whole push is declined.
  const hook = join(bare, "hooks", "pre-receive");
  await mkdir(join(bare, "hooks"), { recursive: true });
  await writeFile(hook, "#!/bin/sh\n! grep -q refs/heads/release\n", { mode: 0o755 });
  const names = ["one", "release", "three", "four", "five"].map((name) => `refs/heads/${name}`);
  for (const ref of names) await forge.git(["update-ref", ref, main], canonical);
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed", lagging_ref_count: 1 });
  const free = names.filter((ref) => ref !== "refs/heads/release");
  expect(Object.keys(await mirrored.refs()).sort()).toEqual([...free, "refs/heads/main"].sort());
  expect((await mirrored.status()).mirror_status).toMatchObject({
    current_failure_kind: "rejected",
    last_attempt: {
      lagging_refs: ["refs/heads/release"],
      error_text: expect.stringContaining("refs/heads/release: "),
    },
  });
});

it("gives no lane the token, and tells whether it has a merge", async () => {
  // Lanes have a /tmp of their own, so a file that is hidden there shows nothing.
  const cache = join(root, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  const dir = await mkdtemp(join(cache, "mirror-token-"));
  ends.push(() => rm(dir, { recursive: true }));
  const tokenFile = join(dir, "token");
  await writeFile(tokenFile, "token-in-a-file\n", { mode: 0o600 });
  await symlink(tokenFile, join(dir, "link"));
  const lane = `version = 1
nightly_schedule_utc = "08:00"
[[branch.lanes]]
id = "show"
title = "Show"
entrypoint = "env"
command = ["sh", "-c", "env; cat ${tokenFile} ${dir}/link || true"]
`;
  mirrored = await startMirrored({ tokenEnv: "MIRROR_TOKEN" }, { manifest: lane });
  mirrored.set({ tokenFile: join(dir, "link") });
  const { forge, owner } = mirrored;
  Object.assign(forge.env, { MIRROR_TOKEN: "token-of-the-mirror" });
  await mirrored.sync();
  await forge.push("feature", { a: "1\n" });
  const green = await forge.until(
    "feature",
    owner,
    ({ ci_runs }) => ci_runs[0]?.status === "success",
  );
  expect(green.ci_runs[0].lanes[0].log_text).toContain("FORGE_LANE=show");
  expect(green.ci_runs[0].lanes[0].log_text).not.toMatch(/token-of-the-mirror|token-in-a-file/);
  expect(green.branch.mirror).toBeUndefined();
  await mirrored.land("feature");
  const seen = async () => (await forge.until("feature", owner, () => true)).branch.mirror;
  expect(await seen()).toMatchObject({ state: "not_seen", checked_at: expect.any(String) });
  await mirrored.sync();
  expect(await seen()).toMatchObject({ state: "seen" });
  mirrored.set({ url: `${mirrored.bare}-never-looked-at` });
  expect(await seen()).toEqual({ state: "unknown", checked_at: null });
});

it("lets go of its guard where the store fails during a push", async () => {
  let arrived: () => void = () => {};
  let hanging: Promise<void> = Promise.resolve();
  const host = await standIn(() => arrived());
  try {
    mirrored = await startMirrored({ url: host.url, timeoutSeconds: 1 });
    const { forge } = mirrored;
    const store = new DatabaseSync(forge.config.storeFile, { timeout: 5000 });
    // The first table takes the record alone; without the second the guard cannot be freed either.
    for (const table of ["mirror_runs", "mirror_lock"]) {
      hanging = new Promise((resolve) => {
        arrived = resolve;
      });
      const failing = mirrored.sync();
      await hanging;
      store.exec(`ALTER TABLE ${table} RENAME TO away`);
      expect((await failing).status).toBe(500);
      store.exec(`ALTER TABLE away RENAME TO ${table}`);
      expect((await mirrored.sync()).json).toMatchObject({ attempted: true, status: "failed" });
    }
    store.close();
    expect((await mirrored.status()).mirror_runtime.active_run).toBeNull();
    mirrored.set({ url: mirrored.bare, timeoutSeconds: 30 });
    expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  } finally {
    await host.close();
  }
});
