import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { type Machine, planClient, type SetupPlan } from "../../src/setup/setup.ts";
import type { Client } from "../../src/setup/shapes.ts";

/** A machine of its own: a home, a project, and a kit with two small skills. */
export interface SetupScene {
  readonly machine: Machine;
  readonly home: string;
  readonly project: string;
  /** Writes files, named from the scene's top. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  read(path: string): Promise<string>;
  /** Every file below home and project with its text; links by what they lead to. */
  tree(): Promise<Record<string, string>>;
  plan(client: Client, how?: SetupHow): Promise<SetupPlan>;
  /** Plans and applies; answers the plan. */
  run(client: Client, how?: SetupHow): Promise<SetupPlan>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SetupHow {
  readonly project?: boolean;
  readonly undo?: boolean;
  readonly replace?: boolean;
  readonly machine?: Partial<Machine>;
}

export async function aSetupScene(): Promise<SetupScene> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "land-setup-")));
  const home = join(dir, "home");
  const project = join(dir, "project");
  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
  };
  await Promise.all([mkdir(home), mkdir(project)]);
  await write({
    "kit/skills/land/SKILL.md": "---\nname: land\n---\n\nLand it.\n",
    "kit/skills/land/references/more.md": "More.\n",
    "kit/skills/recover-ci/SKILL.md": "---\nname: recover-ci\n---\n\nRecover it.\n",
  });
  const machine: Machine = {
    home,
    stateHome: join(dir, "state"),
    env: { PATH: "/nowhere" },
    platform: "linux",
    node: "/opt/node/bin/node",
    packageRoot: join(dir, "kit"),
  };
  const plan = (client: Client, how: SetupHow = {}) =>
    planClient(
      {
        client,
        worktree: how.project === true ? project : undefined,
        undo: how.undo === true,
        replace: how.replace === true,
      },
      { ...machine, ...how.machine },
    );
  return {
    machine,
    home,
    project,
    write,
    read: (path) => readFile(join(dir, path), "utf8"),
    async tree() {
      const found = { ...(await filesBelow(dir, home)), ...(await filesBelow(dir, project)) };
      return found;
    },
    plan,
    async run(client, how) {
      const planned = await plan(client, how);
      await planned.apply();
      return planned;
    },
    async [Symbol.asyncDispose]() {
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function filesBelow(top: string, folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => !entry.isDirectory())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const text = entry.isSymbolicLink()
          ? `-> ${await readlink(path)}`
          : (await readFile(path)).toString("latin1");
        return [relative(top, path), text] as const;
      }),
  );
  const folders = entries.filter((entry) => entry.isDirectory());
  return Object.fromEntries([
    ...files,
    ...folders.map(
      (entry) => [`${relative(top, join(entry.parentPath, entry.name))}/`, ""] as const,
    ),
  ]);
}
