import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Forge, RecoveryAction, RecoveryRequest } from "../../../src/forges/forge.ts";
import { connectPika } from "../../../src/forges/pika.ts";
import { parseSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import { failureOf } from "../../support/agent-half.ts";
import { nightlyManifest } from "../../support/nightly.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

/** No lane runs, so that every state stands still. */
let server: TestForge;
let forge: Forge;
let token: string;
let branchId: string;
let lane: string;
let run: string;
let nightly: string;
beforeAll(async () => {
  server = await startTestForge({ manifest: nightlyManifest, settings: { ciConcurrency: 0 } });
  forge = connectPika({
    name: "local",
    baseUrl: server.origin,
    signer: signerOf(parseSecretKey(server.agent.nsec)),
    sessionFile: undefined,
  });
  token = await server.login(server.agent.nsec);
  await server.push("topic", { "a.txt": "1\n" });
  const detail = await server.until("topic", token, (d) => d.ci_runs.length > 0);
  branchId = String(detail.branch.branch_id);
  run = String(detail.ci_runs[0].id);
  lane = String(detail.ci_runs[0].lanes[0].id);
  nightly = (await forge.startNightly?.()) ?? "";
});
afterAll(() => server?.close());

type Detail = { ci_runs: { lanes: { status: string }[] }[] };

const ask = (action: RecoveryAction, more: Partial<RecoveryRequest> = {}) =>
  forge.recover({ action, branchId, lane: undefined, laneRun: undefined, run: undefined, ...more });

/** One after the other, since each begins where the one before left the forge. */
type Step = readonly [RecoveryAction, () => Partial<RecoveryRequest>, RegExp, RegExp];
const ofLane = () => ({ laneRun: lane });
const ofNightly = () => ({ branchId: undefined, nightly });
const ofForge = () => ({ branchId: undefined });
const steps: readonly Step[] = [
  ["requeue", ofLane, /is queued already\.$/, /is queued already\.$/],
  ["recover", () => ({ run }), /^1 lane of run #\d+ waits/, /^1 lane of run #\d+ waits/],
  ["cancel", ofLane, /is cancelled now\.$/, /is failed already\.$/],
  ["requeue", ofLane, /is queued now\.$/, /is queued already\.$/],
  ["fail", ofLane, /is failed now\.$/, /is failed already\.$/],
  ["rerun_lane", ofLane, /runs again as run #\d+/, /runs again already as run #\d+/],
  ["rerun_suite", () => ({}), /run again as run #\d+/, /run again already as run #\d+/],
  ["cancel_run", () => ({ run }), /had ended already/, /had ended already/],
  ["cancel_run", () => ({}), /^2 lanes of branch .* cancelled/, /had ended already/],
  ["cancel_run", ofNightly, /^2 lanes of nightly .* cancelled/, /had ended already/],
  ["rerun_suite", ofNightly, /run again as nightly #\d+/, /run again already as nightly #\d+/],
  ["recover", ofNightly, /^2 lanes of nightly/, /^2 lanes of nightly/],
  ["cancel", () => ({ ...ofNightly(), lane: "steady" }), /is cancelled now/, /is failed already/],
  ["rerun_lane", () => ({ ...ofNightly(), lane: "steady" }), /again as/, /again already as/],
  ["wake", ofForge, /looks at its branches/, /looks at its branches/],
  ["pause", ofForge, /starts no lanes since/, /starts no lanes since/],
  ["resume", ofForge, /starts lanes again/, /starts lanes already; it was not paused/],
  ["reset_health", () => ({ ciTarget: "device" }), /healthy already/, /healthy already/],
];

describe("each way out, asked for twice through the connector", () => {
  it.each(steps)("%s %s", async (action, more, first, again) => {
    expect(await ask(action, more())).toMatch(first);
    const second = await ask(action, more()).catch((error: Error) => error.message);
    expect(second).toMatch(again);
  });

  it("says why a requeue leaves a lane at work alone", async () => {
    server.settings.ciConcurrency = 1;
    const slow = nightlyManifest.replaceAll(/command = \[.*\]/g, 'command = ["sleep", "600"]');
    await server.push("at-work", { "ci/forge-lanes.toml": slow });
    const running = (d: Detail) => d.ci_runs[0]?.lanes[0]?.status === "running";
    const { branch } = await server.until("at-work", token, running);
    const more = { branchId: String(branch.branch_id), lane: "check" };
    expect(await ask("requeue", more)).toMatch(/is running already\. .* cancel it first/);
    await ask("cancel_run", more);
  });

  it("is offered by the forge", async () => {
    const { recovery } = await forge.capabilities();
    expect(steps.filter(([action]) => !recovery.includes(action))).toEqual([]);
  });

  it("names what is not there or not said", async () => {
    expect(await failureOf(ask("cancel_run", { branchId: "404404" }))).toMatchObject({
      code: "not_found",
    });
    const nowhere = { ...ofNightly(), nightly: "404404" };
    for (const more of [nowhere, { ...nowhere, nightly: "x%y" }]) {
      expect(await failureOf(ask("rerun_suite", more))).toMatchObject({
        code: "not_found",
        next: expect.stringContaining("`land nightly`"),
      });
    }
    for (const laneRun of ["404404", "-1", "../1", "%2e%2e", "9".repeat(30)]) {
      expect(await failureOf(ask("requeue", { laneRun }))).toMatchObject({
        code: "not_found",
        next: expect.stringContaining("names the newest runs and lane runs"),
      });
    }
    expect(await failureOf(ask("recover", { run: "zz" }))).toMatchObject({ code: "not_found" });
    expect(await failureOf(ask("reset_health"))).toMatchObject({ code: "bad_argument" });
    expect(await failureOf(ask("wake", ofNightly()))).toMatchObject({ code: "unsupported" });
  });
});
