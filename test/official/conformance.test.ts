import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withForge } from "../support/cli.ts";
import {
  type Check,
  officialInstalled,
  runConformance,
  serveMcpOverHttp,
  withTokenAdded,
} from "../support/official.ts";

/**
 * What a server without the suite's own fixture tools can pass, and must. The suite runs all that a
 * revision requires; the rest asks for tools such as `test_simple_text`.
 */
const asked: Readonly<Record<string, readonly string[]>> = {
  "2026-07-28": [
    "tools-list",
    "resources-list",
    "prompts-list",
    "caching",
    "sep-2164-resource-not-found",
    "dns-rebinding-protection",
    "http-header-validation",
    "server-sse-multiple-streams",
    "server-stateless",
    "input-required-result-unsupported-methods",
  ],
  "2025-11-25": [
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "dns-rebinding-protection",
  ],
};

/** Parts of `server-stateless` that need diagnostic tools of the suite. */
const needsFixture = new Set([
  "sep-2575-server-rejects-undeclared-capability",
  "sep-2575-missing-capability-http-400",
  "sep-2575-http-server-no-independent-requests-on-stream",
  "sep-2575-server-no-log-without-loglevel",
]);

describe.runIf(officialInstalled()).each(Object.entries(asked))("on %s", (revision, scenarios) => {
  const held = new AsyncDisposableStack();
  let ran: ReadonlyMap<string, readonly Check[]>;

  beforeAll(async () => {
    const scene = held.use(await withForge());
    const server = held.use(await serveMcpOverHttp(scene));
    const open = held.use(await withTokenAdded(server));
    ran = await runConformance(scene, open.url, revision);
  });

  afterAll(() => held.disposeAsync());

  it.each(scenarios)("passes %s", (scenario) => {
    const checks = (ran.get(scenario) ?? []).filter(({ id }) => !needsFixture.has(id));
    expect(checks.map(({ status }) => status)).toContain("SUCCESS");
    expect(checks.filter(({ status }) => status === "FAILURE" || status === "WARNING")).toEqual([]);
  });

  it("says nothing, in any scenario, that the revision's schema does not know", () => {
    const schema = [...ran.values()].flat().filter(({ id }) => id === "wire-schema-valid");
    expect(schema.length).toBeGreaterThan(scenarios.length);
    expect(schema.filter(({ status }) => status !== "SUCCESS")).toEqual([]);
  });
});
