import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { callerOf } from "../../support/access.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const hour = 60 * 60 * 1000;
const day = 24 * hour;

/** The machine's clock, which somebody sets. */
let ahead = 0;
const clock = { now: () => new Date(Date.now() + ahead) };

/** A lane without a sandbox, so that it sees its gate. */
const manifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "gated"
title = "Gated"
entrypoint = "a gate"
command = ["sh", "-c", "while ! test -e $GATE; do sleep 0.02; done"]
env = ["GATE"]

[[nightly.lanes]]
id = "night"
title = "Night"
entrypoint = "true"
command = ["true"]
`;

let forge: TestForge;
let owner: string;
beforeAll(async () => {
  forge = await startTestForge({
    manifest,
    server: { clock },
    settings: { unsandboxedLanes: ["gated"], ciConcurrency: 1 },
  });
  owner = await forge.login(forge.owner.nsec);
});
afterAll(() => forge?.close());

/** Every number below an answer that is less than nothing, with its path. */
function negatives(value: unknown, path = ""): string[] {
  if (typeof value === "number") return value < 0 ? [`${path} = ${value}`] : [];
  if (typeof value !== "object" || value === null) {
    return typeof value === "string" && /(^|\s)-\d+\s?(s|ms|m|h)\b/.test(value)
      ? [`${path} = ${value}`]
      : [];
  }
  return Object.entries(value).flatMap(([key, each]) => negatives(each, `${path}.${key}`));
}

it.each([
  ["an hour forwards and two back", [hour, -2 * hour]],
  ["a day back and two forwards", [-day, 2 * day]],
])("a clock that is set %s costs no lane, no login and no landing", async (what, jumps) => {
  const gate = join(forge.dir, what.replaceAll(" ", "-"));
  forge.settings.laneEnv = { GATE: gate };
  const ask = callerOf(forge, owner, "/git");
  const branch = `clock/${what.replaceAll(" ", "-")}`;
  await forge.git(["fetch", "-q", "forge", "main"]);
  const head = await forge.push(branch, { [branch]: `${what}\n` }, "FETCH_HEAD");
  await forge.until(branch, owner, (detail) => detail.branch.ci_status === "running");
  const waiting = await forge.push(`${branch}-waits`, { [`${branch}-2`]: `${what}\n` });
  await forge.until(`${branch}-waits`, owner, (detail) => detail.branch.ci_status === "queued");
  const asked = async () => {
    expect((await ask.post("/api/forge/ci/wake")).status).toBe(200);
    for (const path of ["/api/forge/ci/queue", "/api/admin/forge-status", "/api/me"]) {
      const answer = await ask.get(path);
      expect([path, answer.status, negatives(answer.json)]).toEqual([path, 200, []]);
    }
  };
  for (const jump of jumps) {
    ahead += jump;
    await asked();
  }
  await writeFile(gate, "");
  for (const [name, sha] of [
    [branch, head],
    [`${branch}-waits`, waiting],
  ] as const) {
    const detail = await forge.until(name, owner, (its) => its.branch.ci_status === "success");
    expect(negatives(detail)).toEqual([]);
    const lanes = detail.ci_runs.flatMap((run: { lanes: unknown[] }) => run.lanes);
    expect(lanes).toHaveLength(1);
    expect(lanes[0]).toMatchObject({ status: "success", retry_count: 0 });
    if (name === branch) {
      const merged = await ask.post(`/api/forge/branch/${detail.branch.branch_id}/merge`, {
        head_sha: sha,
      });
      expect([merged.status, merged.text]).toEqual([200, expect.any(String)]);
    }
  }
  await asked();
});
