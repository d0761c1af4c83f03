import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientScene, clientScene, type PromptOptions } from "../support/client-scene.ts";
import { all, hear, setUp } from "../support/client-suite.ts";
import { type HeadlessClient, whySkipped } from "../support/clients.ts";
import { trustHooks } from "../support/codex-review.ts";

interface Trusting {
  readonly client: HeadlessClient;
  /** How a person says that the folder may be trusted, where a client asks. */
  readonly trust?: PromptOptions;
  review?(scene: ClientScene, folder: string): Promise<void>;
}

const clients: readonly Trusting[] = [
  { client: "claude-code" },
  {
    client: "codex",
    trust: { args: ["--trust"] },
    async review(scene, folder) {
      // A folder's hooks are listed once it is trusted, which the first prompt there does.
      await hear(scene, "codex", { cwd: folder, args: ["--trust"] });
      await trustHooks(scene, folder);
    },
  },
  { client: "gemini", trust: { env: { GEMINI_CLI_TRUST_WORKSPACE: "true" } } },
  { client: "copilot" },
  { client: "opencode" },
];

for (const { client, trust, review } of clients) {
  const skipped = whySkipped(client);
  describe.skipIf(skipped !== "")(`a project set up for ${client}${skipped}`, () => {
    let scene: ClientScene;
    let sibling: string;

    beforeAll(async () => {
      scene = await clientScene(client);
      await scene.git("switch", "-q", "-c", "feature/set-up");
      await setUp(scene, client, "--project");
      await scene.git("add", "-A");
      await scene.git("commit", "-qm", "set up");
      sibling = join(scene.dir, "sibling");
      await scene.git("worktree", "add", "-q", "-b", "feature/sibling", sibling, "feature/set-up");
    });

    afterAll(() => scene[Symbol.asyncDispose]());

    it("names nothing of this machine in what is committed", async () => {
      const text = await scene.git("diff", "main", "feature/set-up");
      expect(text).toContain("agent-brief");
      expect(text).not.toContain(scene.dir);
      expect(text).not.toContain(process.execPath);
    });

    it("tells a session in another worktree all of it", async () => {
      await review?.(scene, sibling);
      expect(await hear(scene, client, { ...trust, cwd: sibling })).toEqual(all(sibling));
    });
  });
}
