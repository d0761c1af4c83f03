import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paths, prefixes } from "../../../src/contract/paths.ts";
import { connectPage, nightlyManifest, untilNightly } from "../../support/nightly.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let token: string;
let branch: number;
let lane: number;
// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
type Detail = any;
beforeAll(async () => {
  forge = await startTestForge({ manifest: nightlyManifest });
  token = await forge.login(forge.agent.nsec);
  await forge.push("topic", { "a.txt": "1\n" });
  const green = (d: Detail) => d.branch.ci_status === "success";
  const detail = await forge.until("topic", token, green);
  branch = detail.branch.branch_id;
  lane = detail.ci_runs[0].lanes[0].id;
});
afterAll(() => forge?.close());

const post = (path: string) => forge.api("POST", path, undefined, token);
const connect = (path: string, prefix = "/git") => connectPage(`${forge.origin}${prefix}${path}`);
const active = (html: string | undefined) =>
  /data-(?:branch-ci|nightly)-active="(true|false)"/.exec(html ?? "")?.[1];

describe.each(prefixes)("a branch's stream below %s", (prefix) => {
  it("is one snapshot where nothing runs", async () => {
    for (const path of ["/ci/stream", "/ci/stream/full"]) {
      const client = await connect(`/branch/${branch}${path}`, prefix);
      expect(client.status).toBe(200);
      expect(client.headers.get("content-type")).toBe("text/event-stream");
      expect(client.headers.get("cache-control")).toBe("no-cache");
      const html = await client.next();
      expect(active(html)).toBe("false");
      expect(html).toContain("ci: success");
      expect(await client.next()).toBeUndefined();
    }
  });

  it("has the block of the revision that the prefix is of", async () => {
    const short = await (await connect(`/branch/${branch}/ci/stream?review=1`, prefix)).next();
    const full = await (await connect(`/branch/${branch}/ci/stream/full`, prefix)).next();
    expect(full).toContain(`id="lane-${lane}"`);
    expect(short?.includes("<details")).toBe(prefix === "/news");
  });

  it("follows a run to its end", async () => {
    forge.settings.ciConcurrency = 0;
    await post(paths.rerunLane(branch, lane));
    const client = await connect(`/branch/${branch}/ci/stream/full`, prefix);
    const first = await client.next();
    expect(active(first)).toBe("true");
    forge.settings.ciConcurrency = 2;
    await post(paths.wake());
    const seen: (string | undefined)[] = [];
    for (let html = await client.next(); html !== undefined; html = await client.next()) {
      seen.push(active(html));
    }
    expect(seen.at(-1)).toBe("false");
    expect(seen.slice(0, -1)).not.toContain("false");
  });

  it("sends nothing for what concerns others", async () => {
    forge.settings.ciConcurrency = 0;
    const rerun = await post(paths.rerunLane(branch, lane));
    const client = await connect(`/branch/${branch}/ci/stream`, prefix);
    await client.next();
    await forge.push(`other-${prefix.slice(1)}`, { "b.txt": `${prefix}\n` });
    await forge.until(`other-${prefix.slice(1)}`, token, () => true);
    const { json } = await forge.api("GET", paths.branch(branch), undefined, token);
    const waiting = json.ci_runs.find((run: Detail) => run.id === rerun.json.rerun_suite_id);
    await post(paths.failLane(branch, waiting.lanes[0].id));
    // The next one is already that of the failed lane.
    expect(active(await client.next())).toBe("false");
    expect(await client.next()).toBeUndefined();
    forge.settings.ciConcurrency = 2;
    await post(paths.wake());
  });

  it("is text where there is no such branch or nightly", async () => {
    const wanted: [string, number, string][] = [
      ["/branch/404/ci/stream", 404, "branch 404 not found"],
      ["/branch/-3/ci/stream/full", 404, "branch -3 not found"],
      ["/nightly/404/stream", 404, "nightly run 404 not found"],
      [`/nightly/${branch}/stream`, 404, `nightly run ${branch} not found`],
      ["/branch/x/ci/stream", 400, "Invalid URL: Cannot parse `x` to a `i64`"],
    ];
    for (const [path, status, text] of wanted) {
      const client = await connect(path, prefix);
      expect([client.status, await client.text()]).toEqual([status, text]);
      expect(client.headers.get("content-type")).toMatch(/^text\/plain/);
    }
  });
});

describe("a nightly's stream", () => {
  it("follows it to its end", async () => {
    forge.settings.ciConcurrency = 0;
    const { json } = await post(paths.startNightly());
    const client = await connect(`/nightly/${json.nightly_run_id}/stream`);
    expect(active(await client.next())).toBe("true");
    forge.settings.ciConcurrency = 2;
    await post(paths.wake());
    let last: string | undefined;
    for (let html = await client.next(); html !== undefined; html = await client.next())
      last = html;
    expect(active(last)).toBe("false");
    expect(last).toContain("Steady");
    expect(last).not.toContain("in the night");
    await untilNightly(forge, token, json.nightly_run_id);
  });
});

describe("streams", () => {
  it("are not kept open by a question for their headers", async () => {
    const answer = await fetch(`${forge.origin}/git/branch/${branch}/ci/stream`, {
      method: "HEAD",
    });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  it("end with the forge", async () => {
    const other = await startTestForge({ settings: { ciConcurrency: 0 } });
    const its = await other.login(other.agent.nsec);
    await other.push("topic", { "a.txt": "1\n" });
    const { branch: made } = await other.until("topic", its, (d) => d.ci_runs.length > 0);
    const client = await connectPage(`${other.origin}/git/branch/${made.branch_id}/ci/stream`);
    expect(active(await client.next())).toBe("true");
    const ended = client.next();
    await other.close();
    expect(await ended).toBeUndefined();
  });

  it("are for this machine alone", async () => {
    const wide = await startTestForge({ config: { host: "0.0.0.0" } });
    try {
      for (const path of ["/branch/1/ci/stream", "/nightly/1/stream", "/live.js"]) {
        expect((await wide.api("GET", path)).status).toBe(403);
      }
    } finally {
      await wide.close();
    }
  });
});
