import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prefixes } from "../../../src/contract/paths.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const secret = "a secret of the owner's";
let forge: TestForge;
let token: string;
beforeAll(async () => {
  forge = await startTestForge({ settings: { webhookSecret: secret } });
  token = await forge.login(forge.agent.nsec);
});
afterAll(() => forge?.close());

const body = `${"0".repeat(40)} ${"1".repeat(40)} refs/heads/topic\n`;
const sign = (text: string, key = secret) =>
  `sha256=${createHmac("sha256", key).update(text).digest("hex")}`;

async function call(signature: string | undefined, text = body, prefix = "/git") {
  const answer = await fetch(`${forge.origin}${prefix}/webhook`, {
    method: "POST",
    headers: {
      "content-type": "text/plain",
      ...(signature === undefined ? {} : { "x-pika-signature-256": signature }),
    },
    body: text,
  });
  return { status: answer.status, text: await answer.text() };
}

describe("the webhook", () => {
  it.each(prefixes)("below %s makes the forge read its refs", async (prefix) => {
    const name = `topic-${prefix.slice(1)}`;
    // A ref that no hook told of.
    const head = await forge.git(["rev-parse", "main"]);
    const repository = forge.config.repositoryDir;
    await forge.git(["push", "-q", "forge", "main:refs/tags/there"]);
    await forge.git(["update-ref", `refs/heads/${name}`, head], repository);
    expect(await call(sign(body), body, prefix)).toEqual({ status: 200, text: '{"status":"ok"}' });
    const { branch } = await forge.until(name, token, () => true);
    expect(branch.head_sha).toBe(head);
  });

  it("takes an empty body, and the same call again", async () => {
    for (const _ of [1, 2]) expect((await call(sign(""), "")).status).toBe(200);
  });

  it.each([
    ["no signature", undefined, "missing signature"],
    ["another key's", sign(body, "another"), "invalid signature"],
    ["an empty key's", sign(body, ""), "invalid signature"],
    ["another body's", sign(`${body} `), "invalid signature"],
    ["one without its scheme", sign(body).slice(7), "invalid signature"],
    ["one cut short", sign(body).slice(0, -2), "invalid signature"],
    ["one that is no hex", `sha256=${"x".repeat(64)}`, "invalid signature"],
    ["an empty one", "", "invalid signature"],
  ])("refuses %s", async (_what, signature, error) => {
    expect(await call(signature)).toEqual({ status: 401, text: error });
  });

  it.each([null, undefined, "", "  "])("is not there with the secret %j", async (none) => {
    const before = forge.settings.webhookSecret;
    if (none === undefined) delete forge.settings.webhookSecret;
    else forge.settings.webhookSecret = none;
    try {
      for (const key of ["", "  ", secret]) {
        const answer = await call(sign(body, key));
        expect(answer).toEqual({ status: 404, text: "webhook not configured" });
      }
    } finally {
      forge.settings.webhookSecret = before ?? secret;
    }
  });

  it("reads no more than a body may be", async () => {
    const much = "x".repeat(2 * 1024 * 1024 + 1);
    const answer = await fetch(`${forge.origin}/git/webhook`, {
      method: "POST",
      headers: { "x-pika-signature-256": sign(much) },
      body: much,
    });
    expect(answer.status).toBe(413);
    await answer.body?.cancel();
  });
});
