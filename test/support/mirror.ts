import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pino } from "pino";
import { findTagged, type TaggedProcess } from "../../src/process/tagged.ts";
import type { MirrorSettings } from "../../src/server/config.ts";
import { mirrorTag } from "../../src/server/mirror/create-mirror.ts";
import { onLoopback } from "./loopback.ts";
import { startTestForge, type TestForge, type TestForgeOptions } from "./server.ts";

/** A forge with a mirror in a bare repository beside it. */
export interface MirroredForge {
  readonly forge: TestForge;
  readonly bare: string;
  readonly owner: string;
  readonly agent: string;
  /** Processes of this forge's pushes that are still there. */
  leftovers(): Promise<readonly TaggedProcess[]>;
  /** All that the forge logged so far. */
  said(): string;
  /** Resolves when the next push that the forge makes has been recorded. */
  nextPush(): Promise<void>;
  set(change: Partial<MirrorSettings>): void;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers as they travel.
  status(): Promise<any>;
  sync(): ReturnType<TestForge["api"]>;
  /** All refs of the mirror, by full name. */
  refs(): Promise<Record<string, string>>;
  land(branch: string): ReturnType<TestForge["api"]>;
  close(): Promise<void>;
}

/** By hand alone unless told otherwise. */
export async function startMirrored(
  change: Partial<MirrorSettings> = {},
  options: TestForgeOptions = {},
): Promise<MirroredForge> {
  const waiting = new Set<() => void>();
  let said = "";
  const log = pino(
    { level: "info" },
    {
      write(line: string) {
        said += line;
        if (!line.includes('"mirror pushed"')) return;
        for (const tell of waiting) tell();
        waiting.clear();
      },
    },
  );
  const forge = await startTestForge({ manifest: null, ...options, server: { log } });
  const bare = join(forge.dir, "mirror.git");
  await mkdir(bare);
  await forge.git(["init", "-q", "--bare", "--initial-branch=main"], bare);
  const owner = await forge.login(forge.owner.nsec);
  const agent = await forge.login(forge.agent.nsec);
  let settings: MirrorSettings = {
    url: bare,
    intervalSeconds: 0,
    timeoutSeconds: 30,
    import: false,
    ...change,
  };
  const set = (more: Partial<MirrorSettings>) => {
    settings = { ...settings, ...more };
    forge.settings.mirror = settings;
  };
  set({});
  return {
    ...{ forge, bare, owner, agent, set },
    said: () => said,
    leftovers: () => pushingFor(forge.config.storeFile),
    nextPush: () => new Promise((resolve) => waiting.add(resolve)),
    async status() {
      return (await forge.api("GET", "/api/admin/forge-status", undefined, owner)).json;
    },
    sync: () => forge.api("POST", "/api/admin/mirror/sync", undefined, owner),
    async refs() {
      const listed = await forge.git(["for-each-ref", "--format=%(refname) %(objectname)"], bare);
      const lines = listed.split("\n").filter((line) => line !== "");
      return Object.fromEntries(lines.map((line) => line.split(" ")));
    },
    async land(branch) {
      const detail = await forge.until(branch, owner, () => true);
      const path = `/api/forge/branch/${detail.branch.branch_id}/merge`;
      const body = { head_sha: detail.branch.head_sha, force: true, reason: "a test" };
      return forge.api("POST", path, body, owner);
    },
    close: () => forge.close(),
  };
}

/** Processes that push for the forge of this store, and for no other forge on this machine. */
export async function pushingFor(storeFile: string): Promise<readonly TaggedProcess[]> {
  const db = new DatabaseSync(storeFile, { readOnly: true, timeout: 5000 });
  try {
    const row = db.prepare("SELECT value FROM settings WHERE name = 'mirror_instance'").get();
    if (row === undefined) return [];
    return await findTagged({ name: mirrorTag, value: `${row.value}-`, match: "prefix" });
  } finally {
    db.close();
  }
}

/** A web server in a mirror's place. */
export async function standIn(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const { origin, close } = await onLoopback(createServer(answer));
  return { url: `${origin}/mirror.git`, close };
}
