import { describe, expect, it } from "vitest";
import { runStatusOf } from "../../../src/domain/status.ts";

describe("runStatusOf", () => {
  it.each([
    [[], "success"],
    [["success", "skipped"], "success"],
    [["success", "running"], "running"],
    [["failed", "queued"], "running"],
    [["queued", "queued"], "queued"],
    [["failed", "success"], "failed"],
  ] as const)("folds %j into %s", (lanes, status) => {
    expect(runStatusOf(lanes)).toBe(status);
  });
});
