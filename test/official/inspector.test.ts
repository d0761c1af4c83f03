import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ForgeScene, withForge } from "../support/cli.ts";
import { inspect, officialInstalled, overStdio, serveMcpOverHttp } from "../support/official.ts";

/** How the Inspector says that a tool answered with an error. */
const toolError = 5;

const missing = officialInstalled() ? "" : " (skipped: tools/official is not installed)";

describe.runIf(officialInstalled())(`the Inspector${missing}`, () => {
  let scene: ForgeScene;
  let head: string;

  beforeAll(async () => {
    scene = await withForge();
    head = await scene.branch("feature/inspected", { "inspected.txt": "1\n" });
    await scene.land(["push"]);
  });

  afterAll(() => scene[Symbol.asyncDispose]());

  const call = (tool: string, given: object) => [
    ...["--method", "tools/call", "--tool-name", tool],
    ...["--tool-args-json", JSON.stringify(given)],
  ];

  describe.each(["legacy", "modern"])("in the %s era", (era) => {
    const ask = (...args: string[]) => inspect(scene, overStdio, "--protocol-era", era, ...args);

    it("finds every tool's schema portable", async () => {
      const ran = await ask("--method", "tools/list", "--strict");
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.err).not.toMatch(/warn|error/i);
      const { result } = ran.json() as { result: { tools: { name: string }[] } };
      expect(result.tools).toHaveLength(13);
      expect(result.tools[0]).toMatchObject({ name: "land_branch" });
    });

    it("calls a tool on a real repository and its forge", async () => {
      const ran = await ask(...call("branch_status", {}));
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.json()).toMatchObject({
        result: {
          structuredContent: { state: "open", branch: "feature/inspected", head, forge: "local" },
        },
      });
    });

    it("sees a tool's error as one", async () => {
      const ran = await ask(...call("branch_status", { branch: "9999" }));
      expect(ran.code).toBe(toolError);
      expect(ran.json()).toMatchObject({
        result: { isError: true, structuredContent: { error: { code: "not_found" } } },
      });
    });

    it("lists resources and prompts", async () => {
      const resources = await ask("--method", "resources/list");
      expect(resources).toMatchObject({ code: 0 });
      expect(resources.json()).toMatchObject({ result: { resources: expect.any(Array) } });
      const templates = await ask("--method", "resources/templates/list");
      expect(templates).toMatchObject({ code: 0 });
      expect(templates.json()).toMatchObject({ result: { resourceTemplates: expect.any(Array) } });
      const prompts = await ask("--method", "prompts/list");
      expect(prompts).toMatchObject({ code: 0 });
      expect(prompts.json()).toMatchObject({
        result: {
          prompts: expect.arrayContaining([expect.objectContaining({ name: "land_this_branch" })]),
        },
      });
    });
  });

  it("gets in over HTTP with the bearer token, and not without", async () => {
    await using server = await serveMcpOverHttp(scene);
    const at = ["--server-url", server.url.href, "--transport", "http", "--stored-auth-only"];
    const token = ["--header", `Authorization: Bearer ${server.token}`];
    const list = ["--method", "tools/list", "--strict"];
    expect(await inspect(scene, at, ...token, ...list)).toMatchObject({ code: 0 });
    const refused = await inspect(scene, at, ...list);
    expect(refused.code).not.toBe(0);
    expect(refused.out).toBe("");
  });
});
