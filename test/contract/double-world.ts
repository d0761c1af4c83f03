import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { startReference } from "../support/reference/index.ts";
import { askForge } from "./ask.ts";
import { tokenFor } from "./logins.ts";
import { sharedBranches } from "./shared-branches.ts";
import type { Call, Fate, Pushed, Revision, Who, World } from "./world.ts";

const execute = promisify(execFile);

/** The strict double as a world. */
export async function doubleWorld(revision: Revision): Promise<World> {
  const forge = await startReference({ revision });
  const tokens = new Map<Who, Promise<string>>();
  const { baseUrl: origin, prefix } = forge;
  const keys = { admin: forge.admin, writer: forge.writer, reader: forge.reader };
  const token = (who: Who) => {
    const known = tokens.get(who) ?? tokenFor(world, keys[who].nsec);
    tokens.set(who, known);
    return known;
  };
  const git = async (...args: string[]) => {
    const done = await execute("git", [`--git-dir=${forge.bare}`, ...args]);
    return done.stdout.trim();
  };
  const pushed = (name: string): Pushed => {
    const branch = forge.branch(name);
    const run = forge.runs(name)[0];
    const lane = run?.lanes[0];
    if (run === undefined || lane === undefined) throw new Error(`${name} has no lane`);
    const { id, head } = branch;
    return { name, id, head, runId: run.id, laneRunId: lane.id, laneId: lane.laneId };
  };
  const world: World = {
    name: "double",
    revision,
    prefix,
    origin,
    slug: forge.slug,
    target: forge.defaultBranch,
    how: { exactKeys: true, isoTimes: false, words: true },
    keys,
    webhookSecret: "a secret",
    token,
    ask: (call: Call) => askForge({ origin, prefix }, call, token),
    async push(name, fate: Fate, files = {}) {
      await forge.push(name, { [`files/${name}.txt`]: `${name} ${fate}\n`, ...files });
      await forge.ci(name, fate);
      return pushed(name);
    },
    shared: sharedBranches(() => world),
    async moveTarget(files) {
      await forge.moveTarget(files);
      await forge.ingest();
    },
    async moveBehind(name, files) {
      if (files === null) return forge.deleteRef(`refs/heads/${name}`);
      const sha = await forge.moveTarget(files);
      const back = await git("rev-parse", `${sha}^`);
      await git("update-ref", `refs/heads/${forge.defaultBranch}`, back);
      await git("update-ref", `refs/heads/${name}`, sha);
    },
    async deleteBranch(name) {
      await forge.deleteRef(`refs/heads/${name}`);
      await forge.ingest();
    },
    async finish({ id }, fate) {
      await forge.ci(id, fate);
    },
    async tutorial({ id }) {
      forge.tutorial(id, "ready");
    },
    async nightly(fate) {
      const run = await forge.nightly();
      forge.nightlyCi(run.id, fate);
      const lane = run.lanes[0];
      if (lane === undefined) throw new Error("the nightly has no lane");
      return { id: run.id, head: run.head, laneRunId: lane.id, laneId: lane.laneId };
    },
    git,
    async expireTokens() {
      forge.expireTokens();
    },
    close: () => forge[Symbol.asyncDispose](),
  };
  return world;
}
