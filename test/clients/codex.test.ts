import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientScene, clientScene } from "../support/client-scene.ts";
import { all, describeClient, hear, setUp } from "../support/client-suite.ts";
import { whySkipped } from "../support/clients.ts";
import { hookTrust, trustHooks } from "../support/codex-review.ts";

describeClient("codex", {
  review: trustHooks,
  consent: ["-c", 'mcp_servers.land.default_tools_approval_mode="approve"'],
});

const skipped = whySkipped("codex");

describe.skipIf(skipped !== "")(`codex and the trust in hooks${skipped}`, () => {
  let scene: ClientScene;

  beforeAll(async () => {
    scene = await clientScene("codex");
  });

  afterAll(() => scene[Symbol.asyncDispose]());

  it("runs no hook that nobody has looked at, and the set-up says so", async () => {
    expect(await setUp(scene, "codex")).toMatch(/\/hooks/);
    expect(await hookTrust(scene)).toEqual(["untrusted"]);
    const heard = { ...all(scene.repo), brief: undefined };
    expect(await hear(scene, "codex")).toEqual(heard);
  });

  it("keeps the trust when it is set up again", async () => {
    await trustHooks(scene);
    await setUp(scene, "codex");
    expect(await hookTrust(scene)).toEqual(["trusted"]);
    expect(await hear(scene, "codex")).toEqual(all(scene.repo));
  });
});
