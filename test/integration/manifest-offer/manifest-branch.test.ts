import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Git } from "../../../src/git/git.ts";
import {
  manifestBranch,
  writeManifestBranch,
} from "../../../src/manifest-offer/manifest-branch.ts";
import { offerManifest } from "../../../src/manifest-offer/offer.ts";

const env = {
  PATH: process.env.PATH,
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
};
let dir: string;
let git: Git;

function command(...args: string[]): string {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
  return execFileSync("git", [...identity, ...args], { cwd: dir, env, encoding: "utf8" }).trim();
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "land-offer-"));
  git = new Git({ dir, env });
  command("init", "-q", "-b", "main");
  command("config", "user.useConfigOnly", "true");
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

function commit(files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  command("add", "-A");
  command("commit", "-qm", "files");
  return command("rev-parse", "HEAD");
}

describe("offerManifest", () => {
  it("reads what the commit runs, not what lies in the work tree", async () => {
    const base = commit({
      "package.json": '{"scripts":{"test":"t"},"workspaces":["pakete/*"]}',
      "pakete/größe/package.json": '{"scripts":{"build":"b"}}',
    });
    writeFileSync(join(dir, "Makefile"), "test:\n\ttrue\n");
    const offer = await offerManifest(git, base);
    if (offer.kind !== "offer") throw new Error(offer.kind);
    expect(offer.lanes.map((lane) => lane.id)).toEqual(["test", "pakete-gr-e-build"]);
    expect(parse(offer.text)).toMatchObject({
      version: 1,
      nightly_schedule_utc: expect.stringMatching(/^\d\d:\d\d$/),
      branch: {
        lanes: [
          { id: "test", command: ["sh", "-c", expect.any(String)] },
          { paths: ["pakete/größe/**", "package.json"] },
        ],
      },
    });
  });

  it("offers nothing over a manifest that is there, and an example where nothing is found", async () => {
    expect((await offerManifest(git, commit({ "README.md": "" }))).kind).toBe("nothing_found");
    const withManifest = commit({ "ci/forge-lanes.toml": "version = 1\n" });
    expect(await offerManifest(git, withManifest)).toEqual({ kind: "present" });
  });
});

describe("writeManifestBranch", () => {
  it("commits the manifest and leaves work tree, index and HEAD as they were", async () => {
    const base = commit({ "a/b.txt": "1", Makefile: "test:\n\ttrue\n" });
    writeFileSync(join(dir, "a/b.txt"), "changed");
    writeFileSync(join(dir, "new.txt"), "untracked");
    const before = command("status", "--porcelain=v2", "--branch");
    const written = await writeManifestBranch(git, base, "version = 1\n");
    expect(command("status", "--porcelain=v2", "--branch")).toBe(before);
    expect(written.state).toBe("written");
    expect(command("diff", "--name-status", base, `refs/heads/${manifestBranch}`)).toBe(
      "A\tci/forge-lanes.toml",
    );
    expect(command("show", `${written.commit}:ci/forge-lanes.toml`)).toBe("version = 1");
    expect(command("log", "-1", "--format=%an <%ae> %P", written.commit)).toBe(
      `forge-landing-kit <land@localhost> ${base}`,
    );
  });

  it("keeps a branch of that name that is there already", async () => {
    const base = commit({ "a.txt": "1" });
    const first = await writeManifestBranch(git, base, "version = 1\n");
    expect(await writeManifestBranch(git, base, "version = 2\n")).toEqual({
      ...first,
      state: "kept",
    });
  });

  it("says what to do where a branch stands in the way of its name", async () => {
    const base = commit({ "a.txt": "1" });
    command("branch", "land");
    await expect(writeManifestBranch(git, base, "version = 1\n")).rejects.toMatchObject({
      code: "git_failed",
      next: expect.stringContaining("ci/forge-lanes.toml"),
    });
  });
});
