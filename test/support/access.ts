import { type Prefix, prefixes } from "../../src/contract/paths.ts";
import type { ApiAnswer, TestForge } from "./server.ts";

export { type Prefix, prefixes };

/** Calls below one prefix with one token. */
export interface Caller {
  get(path: string): Promise<ApiAnswer>;
  post(path: string, body?: unknown): Promise<ApiAnswer>;
  put(path: string, body?: unknown): Promise<ApiAnswer>;
}

export function callerOf(forge: TestForge, token: string | undefined, prefix: Prefix): Caller {
  const call = (method: string) => (path: string, body?: unknown) =>
    forge.api(method, prefix + path, body, token);
  return { get: call("GET"), post: call("POST"), put: call("PUT") };
}

/** The body of a tutorial of a head, small but whole. */
export const tutorialOf = (head: string) => ({
  head_sha: head,
  executive_summary: "What it does.",
  steps: [
    {
      title: "A step",
      intent: "Why",
      affected_files: ["a.txt"],
      evidence_snippets: ["+a"],
      body_markdown: "",
    },
  ],
});

/** Pushes a branch and stores the tutorial of its head; answers its id and head. */
export async function describedBranch(
  forge: TestForge,
  token: string,
  name: string,
  files: Readonly<Record<string, string>> = { [`${name}.txt`]: `${name}\n` },
): Promise<{ id: number; head: string }> {
  const head = await forge.push(name, files);
  const { branch } = await forge.until(name, token, (d) => d.branch.head_sha === head);
  const path = `/api/forge/branch/${branch.branch_id}/tutorial`;
  const answer = await forge.api("PUT", path, tutorialOf(head), token);
  if (answer.status !== 200) throw new Error(`tutorial: ${answer.status} ${answer.text}`);
  return { id: branch.branch_id, head };
}
