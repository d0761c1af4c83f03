import { describe, expect, it } from "vitest";
import { judgeMirror } from "../../../src/doctor/mirror.ts";
import type { MirrorState } from "../../../src/forges/forge-mirror.ts";
import { mirrorShape } from "../../../src/local/mirror-settings.ts";

describe("how a mirror is judged", () => {
  const mirror = mirrorShape.parse({ url: "/m.git", token: "hush-hush-hush" });
  const attempt = {
    startedAt: "a",
    finishedAt: "b",
    trigger: "manual",
    end: "success",
    lagging: 0,
  };
  const fine: MirrorState = {
    ...{ remote: "/m.git", state: "idle", lagging: 0, laggingRefs: [], failures: 0 },
    ...{ lastSuccessAt: "then", problem: undefined, history: [attempt] },
  };
  const refs = ["refs/heads/a", "refs/heads/b", "refs/heads/c", "refs/heads/d"];
  const failed = (kind: string) => ({ problem: { kind, words: "no hush-hush-hush" }, failures: 3 });

  it.each<[string, Partial<MirrorState>, string, RegExp]>([
    ["in step", {}, "ok", /^nothing lags; last success: then$/],
    ["pushed to now", { state: "active", lagging: 1 }, "ok", /under way/],
    ["behind", { lagging: 4, laggingRefs: refs }, "note", /^4 refs lag \(.*heads\/c, …\); /],
    ["unknown", { lagging: undefined }, "note", /its lag is not known/],
    ["refused a login", failed("auth"), "note", /\(auth, 3×; .*no \[masked\].*a token for HTTP/],
    ["cut off", failed("transient"), "note", /failed \(transient.*tried again by itself/],
    ["failing in a way not known yet", failed("toString"), "note", /failed .*by itself/],
  ])("that is %s", (_what, change, state, words) => {
    const check = judgeMirror(mirror, { ...fine, ...change });
    expect(check.state).toBe(state);
    expect([check.found, check.next].filter(Boolean).join(" → ")).toMatch(words);
  });
});
