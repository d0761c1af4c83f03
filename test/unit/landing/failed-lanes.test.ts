import { expect, test } from "vitest";
import { failedLanes } from "../../../src/landing/failed-lanes.ts";
import { aBranch, aLane, aRun, memoryForge } from "../../support/operations.ts";

test("a secret that the cut of a log would go through is masked before", async () => {
  const secret = "correct-horse-battery-staple-0123456789";
  // One line, of which the last 3 KiB are shown: the cut goes through the secret.
  const log = `${"x".repeat(5000)}${secret}${"y".repeat(3050)}`;
  const failed = aLane({ status: "failed" });
  const run = aRun({ status: "failed", lanes: [failed] });
  const forge = memoryForge({ branches: [aBranch({ runs: [run] })], logs: { [failed.id]: log } });
  const { signal } = new AbortController();
  const [shown] = await failedLanes(forge, "20", run, { signal, secrets: () => [secret] });
  expect(shown?.log).toMatch(/y{3000}$/);
  expect(shown?.log).not.toContain("0123456789");
});
