// A process that behaves like a forge's, as far as starting and stopping one goes: one at a time
// by the operating system's lock, an `about`, a process file, an orderly end. Run by Node itself:
//   node fake-forge.ts STATE_DIR [version]
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { layoutOf } from "../../../src/local/layout.ts";
import { removeProcessFile, writeProcessFile } from "../../../src/local/process.ts";
import { acquireLock } from "../../../src/server/store/lock.ts";

const [stateDir = "", version = "1.0.0", mood = ""] = process.argv.slice(2);
const layout = layoutOf(stateDir);
const note = (what: string) =>
  appendFileSync(join(stateDir, "trail"), `${what} ${version} ${process.pid}\n`);

if (mood === "broken") {
  console.error("no such port, no such luck");
  process.exit(3);
}
const lock = acquireLock(layout.lockFile);
if (lock === undefined) {
  note("lost");
  process.exit(0);
}
note("started");
const instance = randomUUID();
const server = createServer((request, response) => {
  if (request.url === "/git/api/forge/about") {
    response.end(
      JSON.stringify({
        name: "forge-landing-kit",
        version,
        protocol: 1,
        instance,
        repo: "o/r",
        target: "main",
        landing_rule: "up_to_date",
        recovery: [],
        isolation: "none",
        draining: false,
        frozen: null,
      }),
    );
  } else {
    response.writeHead(404).end();
  }
});
process.on("SIGTERM", () => {
  server.closeAllConnections();
  server.close(async () => {
    await removeProcessFile(layout, instance);
    note("stopped");
    lock.release();
  });
});
server.listen(0, "127.0.0.1", async () => {
  const { port } = server.address() as AddressInfo;
  await writeProcessFile(layout, {
    port,
    version,
    instance,
    startedAt: new Date().toISOString(),
  });
});
