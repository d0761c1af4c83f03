import { readFile, rm } from "node:fs/promises";
import { z } from "zod";
import { writePrivateFile } from "../identity/private-file.ts";
import { identityOf } from "../process/identity.ts";
import { isRunning, processNamespace } from "../process/living.ts";
import type { ForgeLayout } from "./local-forge.ts";

/** `process.json`: who serves a forge now. It outlives a crash, so it is a claim to be checked. */
const processShape = z.object({
  pid: z.int().positive(),
  startTime: z.string().nullable(),
  bootId: z.string().nullable(),
  /** The process namespace that `pid` is a number of; null where there are none. */
  namespace: z.string().nullable().default(null),
  port: z.int().positive().max(65_535),
  version: z.string(),
  /** The same as in the forge's own `about`. */
  instance: z.string().min(1),
  startedAt: z.string(),
});
export type ForgeProcess = z.infer<typeof processShape>;

/** Written by the process that serves the forge, once it answers. */
export async function writeProcessFile(
  layout: ForgeLayout,
  serving: { port: number; version: string; instance: string; startedAt: string },
): Promise<void> {
  const file: ForgeProcess = {
    ...identityOf(process.pid),
    namespace: processNamespace(),
    ...serving,
  };
  await writePrivateFile(layout.processFile, `${JSON.stringify(file, null, 2)}\n`);
}

/** Removes the file where it still is this instance's. */
export async function removeProcessFile(layout: ForgeLayout, instance: string): Promise<void> {
  const file = await readProcessFile(layout);
  if (file?.instance === instance) await rm(layout.processFile, { force: true });
}

/** What the file says; undefined where there is none, or none that can be understood. */
export async function readProcessFile(layout: ForgeLayout): Promise<ForgeProcess | undefined> {
  try {
    return processShape.parse(JSON.parse(await readFile(layout.processFile, "utf8")));
  } catch {
    return undefined;
  }
}

/**
 * Whether the process of the file still runs. `unseen`: it has its number in another namespace,
 * such as outside of the sandbox we are in, so only the forge itself can tell.
 */
export function lifeOf(file: ForgeProcess): "alive" | "gone" | "unseen" {
  if (isRunning(file)) return "alive";
  const here = processNamespace();
  const bootedSince = identityOf(process.pid).bootId !== file.bootId;
  return file.namespace !== null && file.namespace !== here && !bootedSince ? "unseen" : "gone";
}
