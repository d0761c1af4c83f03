import { afterEach, expect, it } from "vitest";
import { type MirroredForge, startMirrored } from "../../support/mirror.ts";

let mirrored: MirroredForge | undefined;
afterEach(async () => {
  await mirrored?.close();
  mirrored = undefined;
});

/** Somebody merges at the mirror: a commit on its target that the forge does not have. */
async function mergeThere({ forge, bare }: MirroredForge, file: string): Promise<string> {
  await forge.git(["fetch", "-q", bare, "+refs/heads/main:refs/remotes/mirror/main"]);
  await forge.git(["checkout", "-q", "--detach", "refs/remotes/mirror/main"]);
  await forge.git(["commit", "-q", "--allow-empty", "-m", `Add ${file} there`]);
  const head = await forge.git(["rev-parse", "HEAD"]);
  await forge.git(["push", "-q", bare, "HEAD:refs/heads/main"]);
  return head;
}

async function errorsOf({ status }: MirroredForge): Promise<readonly unknown[]> {
  const { issues } = (await status()).forge_health;
  return issues.filter(({ severity }: { severity: string }) => severity === "error");
}

const canonicalMain = ({ forge }: MirroredForge) =>
  forge.git(["rev-parse", "main"], forge.config.repositoryDir);

it("takes over what people merged at the mirror, and says that nobody tested it", async () => {
  mirrored = await startMirrored({ import: true });
  await mirrored.sync();
  const there = await mergeThere(mirrored, "a");
  expect((await mirrored.sync()).json).toMatchObject({ status: "success", lagging_ref_count: 0 });
  expect(await canonicalMain(mirrored)).toBe(there);
  const { forge, owner } = mirrored;
  const trail = await forge.api("GET", "/api/forge/audit", undefined, owner);
  expect(trail.json.entries).toContainEqual(
    expect.objectContaining({
      action: "target_imported",
      detail: expect.stringContaining("imported, untested"),
    }),
  );
  const note = async () => (await forge.api("GET", "/api/forge/ci/queue", undefined, owner)).json;
  expect((await note()).target_note).toMatch(/imported, untested/);
  expect((await forge.api("GET", "/git")).text).toContain("imported, untested");
  // The forge explains the move itself: landing goes on.
  expect(await errorsOf(mirrored)).toEqual([]);
  await forge.push("feature", { a: "1\n" }, there);
  expect((await mirrored.land("feature")).status).toBe(200);
  expect((await note()).target_note).toBeNull();
});

it("imports nothing where nobody said that people merge there", async () => {
  mirrored = await startMirrored();
  await mirrored.sync();
  const before = await canonicalMain(mirrored);
  await mergeThere(mirrored, "a");
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect(await canonicalMain(mirrored)).toBe(before);
});

it("stops landing where both sides went their own way, until either way out is gone", async () => {
  mirrored = await startMirrored({ import: true });
  const { forge, bare } = mirrored;
  await mirrored.sync();
  const begun = await canonicalMain(mirrored);
  await forge.push("first", { f: "1\n" }, begun);
  const landed = (await mirrored.land("first")).json.merge_commit_sha;
  const there = await mergeThere(mirrored, "a");
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  expect(await mirrored.refs()).toMatchObject({ "refs/heads/main": there });
  expect(await canonicalMain(mirrored)).toBe(landed);
  expect(await errorsOf(mirrored)).toEqual([
    { severity: "error", code: "mirror_diverged", message: expect.stringMatching(/Either .* or /) },
  ]);
  await forge.git(["fetch", "-q", "forge", "main"]);
  await forge.push("second", { s: "1\n" }, landed);
  const refused = await mirrored.land("second");
  expect([refused.status, refused.json.code]).toEqual([409, "mirror_diverged"]);

  // One way out: a branch that brings both together.
  await forge.git(["checkout", "-q", "-B", "both", landed]);
  await forge.git(["merge", "-q", "--no-edit", there]);
  await forge.git(["push", "-q", "forge", "HEAD:refs/heads/both"]);
  expect((await mirrored.land("both")).status).toBe(200);
  expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  expect(await errorsOf(mirrored)).toEqual([]);
  expect(await mirrored.refs()).toMatchObject({ "refs/heads/main": await canonicalMain(mirrored) });

  // The other: the owner puts the mirror back.
  const agreed = await canonicalMain(mirrored);
  await forge.git(["fetch", "-q", "forge", "main"]);
  await forge.push("third", { t: "1\n" }, agreed);
  await mirrored.land("third");
  await mergeThere(mirrored, "b");
  expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
  await forge.git(["push", "-q", "--force", bare, `${agreed}:refs/heads/main`]);
  expect((await mirrored.sync()).json).toMatchObject({ status: "success" });
  expect(await errorsOf(mirrored)).toEqual([]);
});
