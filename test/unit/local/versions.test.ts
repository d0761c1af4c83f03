import { expect, test } from "vitest";
import { compareVersions, versionFit } from "../../../src/local/versions.ts";

test.each([
  ["1.2.3", "1.2.3", 0],
  ["1.2.3", "1.2.10", -1],
  ["2.0.0", "1.9.9", 1],
  ["1.0.0-rc.1", "1.0.0", -1],
  ["1.0.0", "1.0.0-rc.1", 1],
  ["v1.0.0+build", "1.0.0", 0],
  ["unknown", "1.0.0", 0],
])("%s to %s is %i", (a, b, order) => {
  expect(compareVersions(a, b)).toBe(order);
});

const own = { version: "1.1.0", protocol: 2 };
test.each([
  [{ version: "1.1.0", protocol: 2 }, "fits"],
  [{ version: "1.2.0", protocol: 2 }, "fits"],
  [{ version: "1.0.9", protocol: 2 }, "older"],
  [{ version: "9.0.0", protocol: 1 }, "older"],
  [{ version: "1.1.0", protocol: 3 }, "too_new"],
])("%o: %s", (running, fit) => {
  expect(versionFit(running, own)).toBe(fit);
});
