import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prefixes } from "../../../src/contract/paths.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const hostile = `<script>alert("x")</script>&"'`;

let forge: TestForge;
let id: number;
beforeAll(async () => {
  forge = await startTestForge();
  const token = await forge.login(forge.agent.nsec);
  await forge.push("a<b>&'c", { fail: "x\n" });
  await forge.git(["commit", "-q", "--amend", "-m", hostile]);
  await forge.git(["push", "-q", "--force", "forge", "HEAD"]);
  // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
  const failed = (d: any) => d.branch.title === hostile && d.branch.ci_status === "failed";
  const { branch } = await forge.until("a<b>&'c", token, failed);
  id = branch.branch_id;
  const head = branch.head_sha;
  const step = {
    title: hostile,
    intent: hostile,
    affected_files: [hostile],
    evidence_snippets: ["the diff itself"],
    body_markdown: `[x](javascript:alert(1)) ${hostile}`,
  };
  const tutorial = { head_sha: head, executive_summary: hostile, steps: [step] };
  await forge.api("PUT", `/api/forge/branch/${id}/tutorial`, tutorial, token);
});
afterAll(() => forge?.close());

describe.each(prefixes)("the pages below %s", (prefix) => {
  it.each(["", "/branch/ID"])(
    "%s show states, escaped and without anything from outside",
    async (path) => {
      const answer = await forge.api("GET", prefix + path.replace("ID", String(id)));
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
      expect(answer.headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; /,
      );
      expect(answer.text).toContain("a&lt;b&gt;&amp;&#39;c");
      expect(answer.text).toContain("ci: failed");
      expect(answer.text).not.toContain("<script");
      expect(answer.text).not.toMatch(/(src|href)="(?!\/)/);
      expect(answer.text).toContain(`href="${prefix}`);
    },
  );

  it("keep logs and diffs to themselves", async () => {
    const { text } = await forge.api("GET", `${prefix}/branch/${id}`);
    expect(text).toContain("Check");
    expect(text).toContain("&lt;script&gt;");
    expect(text).not.toContain("checking");
    expect(text).not.toContain("the diff itself");
  });

  it("answer errors as text", async () => {
    const none = await forge.api("GET", `${prefix}/branch/404`);
    expect([none.status, none.text]).toEqual([404, "branch 404 not found"]);
    expect((await forge.api("GET", `${prefix}/branch/x`)).status).toBe(400);
  });
});

describe("pages beyond loopback", () => {
  it("are not shown", async () => {
    const wide = await startTestForge({ config: { host: "0.0.0.0" } });
    try {
      const answer = await wide.api("GET", "/git");
      expect(answer.status).toBe(403);
      expect((await wide.api("GET", "/git/api/forge/about")).status).toBe(200);
    } finally {
      await wide.close();
    }
  });
});
