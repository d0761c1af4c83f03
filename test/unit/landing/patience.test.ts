import { describe, expect, test } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import { patiently } from "../../../src/landing/patience.ts";
import { failureOf } from "../../support/agent-half.ts";
import { HandClock } from "../../support/forge-double.ts";

const gone = new LandError("forge_unreachable", "gone");
const fault = new LandError("forge_error", "its own fault", { facts: { status: 500 } });
const refused = new LandError("unauthorized", "no", { facts: { status: 401 } });

/** Fails so often, then succeeds; `tries` counts. */
function failing(times: number, error: LandError) {
  const asked = { tries: 0 };
  const attempt = async () => {
    asked.tries += 1;
    if (asked.tries <= times) throw error;
    return "answer";
  };
  return { asked, attempt };
}

function during(until?: number) {
  const clock = new HandClock();
  const { signal } = new AbortController();
  return { clock, wakes: clock.subscribe(), signal, until };
}

describe("a short call", () => {
  test("outlasts a forge that is away for a moment", async () => {
    expect(await patiently(during(), failing(3, gone).attempt)).toBe("answer");
  });

  test("gives up after half a minute, and at once for what is no absence", async () => {
    const how = during();
    expect(await failureOf(patiently(how, failing(1000, gone).attempt))).toBe(gone);
    expect(how.clock.now()).toBeLessThanOrEqual(30_000);
    const { asked, attempt } = failing(1, fault);
    expect(await failureOf(patiently(during(), attempt))).toBe(fault);
    expect(asked.tries).toBe(1);
  });
});

describe("a long wait", () => {
  test("outlasts a forge that is away, or at fault, until its own end", async () => {
    for (const error of [gone, fault, new LandError("timed_out", "no answer")]) {
      expect(await patiently(during(3_600_000), failing(100, error).attempt)).toBe("answer");
    }
  });

  test("ends with what kept it from an answer", async () => {
    const how = during(600_000);
    expect(await failureOf(patiently(how, failing(1_000_000, gone).attempt))).toBe(gone);
    expect(how.clock.now()).toBeLessThanOrEqual(600_000);
  });

  test("does not wait for a refusal to pass", async () => {
    const { asked, attempt } = failing(1, refused);
    expect(await failureOf(patiently(during(600_000), attempt))).toBe(refused);
    expect(asked.tries).toBe(1);
  });
});
