import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readLogRange } from "../../../../src/server/http/lane-logs.ts";
import type { LaneRecord } from "../../../../src/server/store/records.ts";
import { ciConfig, usualSettings } from "../../../support/ci-config.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "flk-logs-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it("stars out a value whole, also where another one is a part of it", async () => {
  const laneEnv = { SHORT: "sesame", LONG: "sesame-open-the-gate", OTHER: "gate-keeper" };
  const config = ciConfig(dir, () => ({ ...usualSettings, laneEnv }));
  mkdirSync(config.logsDir, { recursive: true });
  writeFileSync(join(config.logsDir, "1.log"), "a sesame-open-the-gate-keeper b sesame c\n");
  const lane = { id: 1, startedAt: "2026-01-01T00:00:00.000Z" } as LaneRecord;
  const { text } = await readLogRange(config, lane, { offset: 0, maxBytes: 1000 });
  expect(text).toBe(`a ${"*".repeat(27)} b ****** c\n`);
});
