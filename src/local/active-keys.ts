import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { activeKeysName, parseActiveKeys } from "../domain/active-keys.ts";
import type { ForgeLayout } from "./local-forge.ts";

/**
 * The npubs that may use git over SSH now, as the forge last wrote them. Without a list that can be
 * read nobody may: undefined.
 */
export async function readActiveKeys(
  layout: Pick<ForgeLayout, "hooksDir">,
): Promise<ReadonlySet<string> | undefined> {
  try {
    return parseActiveKeys(await readFile(join(layout.hooksDir, activeKeysName), "utf8"));
  } catch {
    return undefined;
  }
}
