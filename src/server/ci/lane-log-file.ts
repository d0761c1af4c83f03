import { join } from "node:path";
import type { ServerConfig } from "../config.ts";

/** Where a lane's output is kept, also while it runs. */
export function laneLogFile(config: Pick<ServerConfig, "logsDir">, laneRunId: number): string {
  return join(config.logsDir, `${laneRunId}.log`);
}
