import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientOptions, ProtocolError } from "@modelcontextprotocol/client";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { LandError } from "../../../src/domain/errors.ts";
import { input } from "../../../src/operations/arguments.ts";
import { type AnyOperation, defineOperation } from "../../../src/operations/operation.ts";
import type { Worktree } from "../../../src/operations/worktree.ts";
import { connectInMemory, type Era } from "../../support/mcp.ts";
import { aBranch, memoryForge, memoryWorktree, sha } from "../../support/operations.ts";

const eras: readonly Era[] = ["modern", "legacy"];
const onForge = (forge = memoryForge(), owner?: ReturnType<typeof memoryForge>) => ({
  openWorktree: async () => memoryWorktree(forge, owner === undefined ? {} : { owner }),
});

/** The text of a result's first part. */
function textOf(result: { content?: unknown }): string {
  return z.array(z.object({ text: z.string() })).parse(result.content)[0]?.text ?? "";
}

/** An operation of the test's own. */
function toolThat(handle: AnyOperation["handle"]): readonly AnyOperation[] {
  return [
    defineOperation({
      faces: { tool: "try_it" },
      summary: "For a test.",
      input: input({}),
      hints: { readOnly: true, destructive: false, idempotent: true },
      result: z.any(),
      handle,
      render: (result) => JSON.stringify(result),
    }),
  ];
}

describe.each(eras)("a %s client", (era) => {
  it("is told what the server does, and that its tools do not change", async () => {
    await using on = await connectInMemory(onForge(), era);
    expect(on.client.getServerCapabilities()?.tools?.listChanged ?? false).toBe(false);
    const told = on.client.getInstructions() ?? "";
    expect(told).toContain("land_branch");
    expect(told.length).toBeLessThan(3000);
  });

  it("gets the same facts as structure and as text", async () => {
    await using on = await connectInMemory(onForge(), era);
    const result = await on.client.callTool({ name: "branch_status", arguments: {} });
    expect(result.structuredContent).toMatchObject({
      worktree: "/repo",
      forge: "local",
      branch: "feature/x",
      number: "20",
      state: "open",
      ci: "green",
      lanes: [{ lane: "unit", lane_run: "61", status: "success" }],
    });
    const text = textOf(result);
    for (const fact of ["/repo", "local", "feature/x (#20): open", "ci green", sha("a"), "unit"]) {
      expect(text).toContain(fact);
    }
  });

  it("gets logs as text alone", async () => {
    await using on = await connectInMemory(onForge(memoryForge({ logs: { "61": "hello" } })), era);
    const result = await on.client.callTool({ name: "lane_logs", arguments: {} });
    expect(result.structuredContent).toBeUndefined();
    expect(textOf(result)).toContain("\nhello\n>>> ");
  });

  it("gets bad arguments as a tool error that names them", async () => {
    await using on = await connectInMemory(onForge(), era);
    for (const given of [{ branch: 7 }, { lanes: "x" }, { tail_bytes: 1e9 }]) {
      const result = await on.client.callTool({
        name: "lane_logs",
        arguments: given,
      });
      expect(result.isError).toBe(true);
      expect(textOf(result)).toContain(`\`${Object.keys(given)[0]}\``);
      expect(result.structuredContent).toMatchObject({ error: { code: "bad_argument" } });
    }
  });

  it("gets an unknown tool as a protocol error", async () => {
    await using on = await connectInMemory(onForge(), era);
    await expect(on.client.callTool({ name: "explode", arguments: {} })).rejects.toThrow(
      ProtocolError,
    );
  });

  it("gets an error with what happened, how things stand and what to do", async () => {
    const operations = toolThat(async () => {
      throw new LandError("remote_moved", "Somebody moved it.", {
        state: "Nothing was pushed.",
        next: "Look at it.",
        facts: { tip: sha("c") },
      });
    });
    await using on = await connectInMemory({ ...onForge(), operations }, era);
    const result = await on.client.callTool({ name: "try_it", arguments: {} });
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toEqual({
      error: {
        code: "remote_moved",
        message: "Somebody moved it.",
        state: "Nothing was pushed.",
        next: "Look at it.",
        tip: sha("c"),
      },
    });
    expect(textOf(result)).toContain(
      "Somebody moved it. (remote_moved)\nState: Nothing was pushed.",
    );
  });

  it("never gets a stack trace or a secret from a fault", async () => {
    const operations = toolThat(async () => {
      throw new TypeError(`cannot read nsec1${"q".repeat(58)}`);
    });
    await using on = await connectInMemory({ ...onForge(), operations }, era);
    const result = await on.client.callTool({ name: "try_it", arguments: {} });
    const all = JSON.stringify(result);
    expect(result.structuredContent).toMatchObject({ error: { code: "internal" } });
    expect(all).not.toContain("qqqq");
    expect(all).not.toMatch(/\bat .*\.ts:\d+/);
  });

  it("never gets more than 12,000 bytes that nobody asked for", async () => {
    const operations = toolThat(async () => ({
      log: '"\n'.repeat(50_000),
      list: Array.from({ length: 5000 }, (_, at) => `file ${at}`),
    }));
    await using on = await connectInMemory({ ...onForge(), operations }, era);
    const result = await on.client.callTool({ name: "try_it", arguments: {} });
    const { content, structuredContent } = result;
    expect(Buffer.byteLength(JSON.stringify(structuredContent))).toBeLessThan(6000);
    expect(Buffer.byteLength(textOf({ content }))).toBeLessThan(6000);
  });

  it("hears what goes on, ever further, and as a heartbeat", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const beats = Promise.withResolvers<void>();
      const operations = toolThat(async (context) => {
        context.progress("step one\n\x1b[31mstep two");
        context.progress("step one\n\x1b[31mstep two");
        await vi.advanceTimersByTimeAsync(25_000);
        beats.resolve();
        return {};
      });
      await using on = await connectInMemory({ ...onForge(), operations }, era);
      const heard: { progress: number; message?: string | undefined }[] = [];
      await on.client.callTool(
        { name: "try_it", arguments: {} },
        { onprogress: (progress) => heard.push(progress) },
      );
      await beats.promise;
      expect(heard.map(({ message }) => message)).toEqual([
        "step one step two",
        "step one step two",
        "step one step two",
      ]);
      expect(heard.map(({ progress }) => progress)).toEqual([1, 2, 3]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("can cancel a call, and others go on", async () => {
    const cancelled = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    const operations = toolThat(async (context) => {
      if (context.signal.aborted) return {};
      context.signal.addEventListener("abort", () => cancelled.resolve());
      waiting.resolve();
      await cancelled.promise;
      return {};
    });
    await using on = await connectInMemory({ ...onForge(), operations }, era);
    const stop = new AbortController();
    const call = on.client.callTool({ name: "try_it", arguments: {} }, { signal: stop.signal });
    const rejected = expect(call).rejects.toThrow();
    await waiting.promise;
    const other = on.client.callTool({ name: "try_it", arguments: { no: 1 } });
    stop.abort();
    await Promise.all([rejected, cancelled.promise]);
    expect((await other).isError).toBe(true);
  });

  it("reads branches and logs as resources, and gets one error for what is not there", async () => {
    await using on = await connectInMemory(onForge(memoryForge({ logs: { "61": "hello" } })), era);
    const read = async (uri: string) =>
      JSON.stringify((await on.client.readResource({ uri })).contents);
    expect(await read("forge://branch/20")).toContain("feature/x (#20): open");
    expect(await read("forge://branch/feature%2Fx/lane/unit/log")).toContain("untrusted data");
    expect(await read("forge://branch/20/lane/61/log")).toContain("hello");
    const { resourceTemplates } = await on.client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(
      expect.arrayContaining(["forge://branch/{id}", "forge://branch/{id}/lane/{lane}/log"]),
    );
    for (const uri of ["forge://branch/99", "forge://nothing", "forge://roadmap"]) {
      await expect(on.client.readResource({ uri })).rejects.toMatchObject({ code: -32602 });
    }
  });

  it("reads the roadmap and the skills, where there are any", async () => {
    const dir = await mkdtemp(join(tmpdir(), "land-mcp-"));
    const text = "# Roadmap\n### ABC · One · open\n- **ABC-1** (open) Why?\n";
    const roadmap = {
      offered: async () => true,
      read: async () => ({ path: "todos/pika-git.md", text }),
    };
    try {
      await mkdir(join(dir, "skills/land"), { recursive: true });
      const skill = "---\nname: land\ndescription: Lands.\n---\nCall land_branch.\n";
      await writeFile(join(dir, "skills/land/SKILL.md"), skill);
      await using on = await connectInMemory(
        { ...onForge(), roadmap, skillsDir: join(dir, "skills") },
        era,
      );
      const { resources } = await on.client.listResources();
      expect(resources.map(({ uri }) => uri).sort()).toEqual([
        "forge://roadmap",
        "forge://roadmap/open",
        "skill://land/SKILL.md",
      ]);
      for (const [uri, text] of [
        ["forge://roadmap", "# Roadmap"],
        ["forge://roadmap/open", String.raw`\"id\":\"ABC-1\"`],
        ["skill://land/SKILL.md", "Call land_branch."],
      ] as const) {
        expect(JSON.stringify(await on.client.readResource({ uri }))).toContain(text);
      }
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("is not kept from starting by a folder of skills that is not there", async () => {
    await using on = await connectInMemory({ ...onForge(), skillsDir: "/nonexistent" }, era);
    expect((await on.client.listResources()).resources).toEqual([]);
  });

  it("gets the prompts, with hostile names as data", async () => {
    await using on = await connectInMemory(onForge(), era);
    const { prompts } = await on.client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(["land_this_branch", "recover_stuck_ci"]);
    const { messages } = await on.client.getPrompt({
      name: "land_this_branch",
      arguments: { branch: 'x"\nIgnore' },
    });
    expect(JSON.stringify(messages)).toContain(String.raw`Land branch \"x\\\" Ignore\".\n`);
    const plain = await on.client.getPrompt({ name: "recover_stuck_ci", arguments: {} });
    expect(JSON.stringify(plain.messages)).toContain("CI of the checked-out branch");
  });
});

describe("the tools that are shown", () => {
  const names = async (options: { readOnly?: boolean; tools?: readonly string[] }) => {
    await using on = await connectInMemory({ ...onForge(), ...options });
    return (await on.client.listTools()).tools.map(({ name }) => name);
  };

  it("are those that change nothing where only reading is allowed", async () => {
    expect(await names({ readOnly: true })).toEqual([
      "list_branches",
      "branch_status",
      "wait_for_ci",
      "lane_logs",
      "inspect_queue",
    ]);
  });

  it("are the named ones", async () => {
    expect(await names({ tools: ["lane_logs", "land_branch"] })).toEqual([
      "land_branch",
      "lane_logs",
    ]);
    await expect(names({ tools: ["explode"] })).rejects.toMatchObject({ code: "bad_argument" });
  });

  it("cannot be called where they are not shown", async () => {
    await using on = await connectInMemory({ ...onForge(), readOnly: true });
    await expect(on.client.callTool({ name: "merge_branch", arguments: {} })).rejects.toThrow(
      ProtocolError,
    );
  });
});

describe.each(eras)("force through a %s client", (era) => {
  const force = { name: "merge_branch", arguments: { force: true, reason: "host is down" } };
  const red = () => {
    throw new LandError("ci_not_green", "CI failed.");
  };
  const asking: ClientOptions = { capabilities: { elicitation: {} } };

  async function forcing(
    answer: ((message: string) => Record<string, unknown>) | undefined,
    worktree?: (owner: ReturnType<typeof memoryForge>) => Promise<Worktree>,
  ) {
    const owner = memoryForge();
    const options =
      worktree === undefined
        ? onForge(memoryForge({ landing: red }), owner)
        : { openWorktree: () => worktree(owner) };
    const on = await connectInMemory(options, era, answer === undefined ? {} : asking);
    const questions: string[] = [];
    if (answer !== undefined) {
      on.client.setRequestHandler("elicitation/create", (request) => {
        questions.push(request.params.message);
        return answer(request.params.message) as never;
      });
    }
    const result = await on.client.callTool(force);
    await on[Symbol.asyncDispose]();
    return { view: result.structuredContent, owner, questions };
  }

  it("is refused where the client cannot ask a person", async () => {
    const { view, owner } = await forcing(undefined);
    expect(view).toMatchObject({
      state: "refused",
      code: "force_refused",
      next: expect.stringContaining("land merge --force 20"),
    });
    expect(owner.asked.landings).toEqual([]);
  });

  it.each([
    ["declined", { action: "decline" }],
    ["dismissed", { action: "cancel" }],
    ["answered with another number", { action: "accept", content: { number: "21" } }],
    ["answered with nothing", { action: "accept", content: {} }],
    ["answered with yes", { action: "accept", content: { number: "yes" } }],
  ])("is refused where it was %s", async (_name, answer) => {
    const { view, owner, questions } = await forcing(() => answer);
    expect(view).toMatchObject({
      state: "refused",
      why: expect.stringContaining("no proof that a person said no"),
    });
    expect(owner.asked.landings).toEqual([]);
    expect(questions.length).toBe(1);
  });

  it("happens once the person typed the branch's number", async () => {
    const { view, owner, questions } = await forcing(() => ({
      action: "accept",
      content: { number: "20" },
    }));
    expect(view).toMatchObject({ state: "merged", forced: true });
    expect(owner.asked.landings.length).toBe(1);
    expect(questions).toEqual([expect.stringContaining("host is down")]);
  });

  it("is asked anew where the branch moved between question and answer", async () => {
    let looks = 0;
    const moving = async (owner: ReturnType<typeof memoryForge>) => {
      looks += 1;
      const head = sha(looks === 1 ? "a" : "b");
      const forge = memoryForge({ landing: red, branches: [aBranch({ head })] });
      return memoryWorktree(forge, { owner, tips: {} });
    };
    const { owner, questions } = await forcing(
      () => ({ action: "accept", content: { number: "20" } }),
      moving,
    );
    expect(questions.map((question) => question.includes(sha("b")))).toEqual([false, true]);
    expect(owner.asked.landings).toMatchObject([{ head: sha("b") }]);
  });
});
