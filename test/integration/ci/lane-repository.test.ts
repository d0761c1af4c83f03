import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { probeIsolation } from "../../../src/server/ci/sandbox.ts";
import { CiBench, eventually, shellLane } from "../../support/ci.ts";

const boxed = probeIsolation({ PATH: process.env.PATH }) === "bwrap";

/** What a lane may do to the repository in its workspace. */
const damages: Readonly<Record<string, string>> = {
  "without a repository": "rm -rf .git",
  "with a link elsewhere": "rm -rf .git; ln -s /etc .git",
  "with a file in its place": "rm -rf .git; echo 'gitdir: /etc' > .git",
  "with a pipe in its place": "rm -rf .git; mkfifo .git",
  "without what is in it": "rm -rf .git/* .git/.??*",
  "with pipes for files": `for f in HEAD config index shallow objects/info/alternates; do
      rm -f .git/$f; mkfifo .git/$f; done`,
  "with folders for files": `for f in HEAD config index shallow objects/info/alternates; do
      rm -f .git/$f; mkdir -p .git/$f/deep; done`,
  "with files for folders": "rm -rf .git/refs .git/objects; touch .git/refs .git/objects",
  "with links for folders": `rm -rf .git/refs .git/objects; mkdir far
      ln -s ../far .git/refs; ln -s ../far .git/objects`,
  "with links for files": `for f in HEAD config index shallow objects/info/alternates; do
      rm -f .git/$f; ln -s "$PWD/file.txt" .git/$f; done`,
  "with further names": `for f in HEAD config index objects/info/alternates; do
      ln .git/$f kept-$(basename $f); ln .git/$f .git/kept-$(basename $f); done`,
  "without rights": `git branch more; git gc -q; chmod -R 000 .git`,
  "with locks": `for f in HEAD config index packed-refs shallow; do touch .git/$f.lock; done`,
  "with settings": `git config core.worktree /etc; git config core.hooksPath /etc
      git config extensions.worktreeConfig true; mkdir -p .git/hooks .git/info
      echo '*' > .git/info/exclude; git rev-parse HEAD~1 > .git/shallow`,
  "with refs and objects": `echo more > more; git add more; git commit -qm more; git tag more
      git branch more; git repack -adq; git pack-refs --all; git stash list; git replace HEAD HEAD~1`,
  "with further trees": `git worktree add -q "$TMPDIR/further" HEAD; git worktree lock "$TMPDIR/further"`,
  "with alternates of its own": "echo /etc >> .git/objects/info/alternates; : > .git/index",
};

/** All that may tell one lane's repository from another's. */
const seen = `git status --porcelain; find .git | sort; find .git -type l -o -type p
  for f in HEAD config objects/info/alternates shallow; do cat .git/$f 2> /dev/null; done
  git for-each-ref; git log --format=%s; git fsck; git ls-files --stage; cat file.txt`;

const identity =
  "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b";

let bench: CiBench;
beforeEach(async () => {
  bench = await CiBench.make();
});
afterEach(() => bench.dispose());

/** Runs a script as a lane, each in the one workspace that the lane before gave back. */
async function ran(head: string, script: string) {
  const lane = await bench.runLane(head, shellLane(`${identity}; ${script}`));
  const { workspacesDir } = bench.config;
  const mark = join(workspacesDir, "w1.lane");
  await expect.poll(() => readFileSync(mark, "utf8"), eventually).toBe("-\n");
  expect(readdirSync(workspacesDir).sort()).toEqual(["w1", "w1.lane"]);
  return lane;
}

async function threeHeads(format: "sha1" | "sha256"): Promise<readonly string[]> {
  const { repositoryDir } = bench.config;
  rmSync(repositoryDir, { recursive: true });
  rmSync(join(bench.work.place.dir, ".git"), { recursive: true });
  const made = ["init", "-q", `--object-format=${format}`, "--initial-branch=main"];
  await bench.work.run({ args: made });
  await bench.work.run({ args: [...made, "--bare", repositoryDir] });
  const heads: string[] = [];
  for (const text of ["none", "one", "two"]) heads.push(await bench.commit({ "file.txt": text }));
  return heads;
}

const kinds = [["none", "sha256"], ...(boxed ? [["bwrap", "sha1"] as const] : [])] as const;

it.each(kinds)(
  "a lane's repository is like new, whatever the lane before did to its own (%s, %s)",
  async (isolation, format) => {
    const [, older = "", head = ""] = await threeHeads(format);
    bench.start({ isolation });
    const fresh = await ran(head, seen);
    expect(fresh).toMatchObject({ status: "success" });
    for (const [damage, script] of Object.entries(damages)) {
      const lane = await ran(older, `set -e; ${script}`);
      expect([damage, lane.status, lane.log]).toEqual([damage, "success", ""]);
      const next = await ran(head, seen);
      expect([damage, next.status, next.log]).toEqual([damage, "success", fresh.log]);
    }
  },
);

it("a lane's repository is one that git and scripts may use like any other", async () => {
  const [, head = ""] = await threeHeads("sha1");
  bench.start();
  const fresh = await ran(head, seen);
  const uses = [
    "git rev-parse HEAD > .git/refs/heads/by-hand",
    "git rev-parse HEAD > .git/refs/tags/by-hand",
    "ls .git/objects/pack .git/refs/heads .git/refs/tags",
    "echo more > more; git add more; git commit -qm more",
    "git checkout -qb more; git tag v1; git tag -am v2 v2",
    "echo again > more; git stash -q; git stash pop -q; git checkout -q more",
    "git gc -q; git pack-refs --all; git fsck",
    'git fetch -q "file://$PWD" HEAD:refs/remotes/self/head',
    'git worktree add -q "$TMPDIR/further" HEAD~1; git -C "$TMPDIR/further" status --short',
    'git -c protocol.file.allow=always submodule --quiet add "file://$PWD" sub',
    'git commit -qm sub; git clone -q . "$TMPDIR/clone"; git push -q . HEAD:refs/heads/pushed',
  ];
  const lane = await ran(head, `set -e; ${uses.join("\n")}\ngit log --format=%s | head -2`);
  expect([lane.status, lane.log.endsWith("sub\nmore\n")], lane.log).toEqual(["success", true]);
  expect((await ran(head, seen)).log).toBe(fresh.log);
});

it("a lane's repository has the history that the canonical repository has, also where that becomes shallow", async () => {
  const [, older = "", head = ""] = await threeHeads("sha1");
  const history = "git log --format=%s | wc -l; ls .git/shallow 2> /dev/null; git fsck > /dev/null";
  bench.start();
  const whole = await ran(head, history);
  const shallow = join(bench.config.repositoryDir, "shallow");
  writeFileSync(shallow, `${older}\n`);
  expect((await ran(head, history)).log).toBe("2\n.git/shallow\n");
  expect((await ran(head, history)).log).toBe("2\n.git/shallow\n");
  rmSync(shallow);
  expect((await ran(head, history)).log).toBe("3\n");
  expect(whole.log).toBe("3\n");
});

it.each(["w1", "w1/tree", "w1/git", "w1/tree/.git", "w1/tree/file.txt"])(
  "is there though somebody removed %s while nobody had it",
  async (path) => {
    const [, older = "", head = ""] = await threeHeads("sha1");
    bench.start();
    const fresh = await ran(head, seen);
    rmSync(join(bench.config.workspacesDir, path), { recursive: true });
    expect(await ran(older, "cat file.txt")).toMatchObject({ status: "success", log: "one" });
    expect(await ran(head, seen)).toMatchObject({ status: "success", log: fresh.log });
  },
);
