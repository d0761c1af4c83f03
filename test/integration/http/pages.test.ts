import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paths, prefixes } from "../../../src/contract/paths.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { HandClock } from "../../support/canonical.ts";
import { type Element, readHtml } from "../../support/html.ts";
import { nightlyManifest, untilNightly } from "../../support/nightly.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const hostile = `<script>alert("x")</script>&"'`;
const manifest = nightlyManifest
  .replace('command = ["true"]', 'command = ["sh", "-c", "echo checking; test ! -e fail"]')
  .replace('title = "Steady"', "title = '''<b onclick=\"x\">&'''");

let forge: TestForge;
let token: string;
let id: number;
let nightly: number;
beforeAll(async () => {
  forge = await startTestForge({ manifest });
  token = await forge.login(forge.agent.nsec);
  await forge.push("a<b>&'c", { fail: "x\n" });
  await forge.git(["commit", "-q", "--amend", "-m", hostile]);
  await forge.git(["push", "-q", "--force", "forge", "HEAD"]);
  // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
  const failed = (d: any) => d.branch.title === hostile && d.branch.ci_status === "failed";
  const { branch } = await forge.until("a<b>&'c", token, failed);
  id = branch.branch_id;
  const step = {
    title: hostile,
    intent: hostile,
    affected_files: [hostile],
    evidence_snippets: ["the diff itself"],
    body_markdown: `[x](javascript:alert(1)) ${hostile}`,
  };
  const tutorial = { head_sha: branch.head_sha, executive_summary: hostile, steps: [step] };
  await forge.api("PUT", paths.tutorial(id), tutorial, token);
  const { json } = await forge.api("POST", paths.startNightly(), undefined, token);
  nightly = json.nightly_run_id;
  await untilNightly(forge, token, nightly);
});
afterAll(() => forge?.close());

const pagePaths = [
  "",
  "/branch/ID",
  "/pr/ID",
  "/inbox/review/ID",
  "/inbox",
  "/admin",
  "/branch/ID/ci",
  "/nightly/NIGHTLY",
];
const filled = (path: string) => path.replace("ID", String(id)).replace("NIGHTLY", String(nightly));
const open = async (path: string) => {
  const answer = await forge.api("GET", path);
  expect(answer.status).toBe(200);
  return { ...answer, elements: readHtml(answer.text) };
};
const textOf = (elements: readonly Element[]) =>
  elements.find(({ tag }) => tag === "main")?.text ?? "";

describe.each(prefixes)("the pages below %s", (prefix) => {
  it.each(pagePaths)("%s are escaped and load nothing from outside", async (path) => {
    const { headers, elements } = await open(prefix + filled(path));
    expect(headers.get("content-type")).toMatch(/^text\/html/);
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'self'; connect-src 'self'; /,
    );
    const tags = new Set(elements.map(({ tag }) => tag));
    for (const tag of ["b", "img", "iframe", "form", "button", "link"])
      expect(tags).not.toContain(tag);
    for (const { tag, attributes } of elements) {
      expect(Object.keys(attributes).filter((name) => name.startsWith("on"))).toEqual([]);
      for (const url of [attributes.href, attributes.src, attributes["data-live"]]) {
        expect(url ?? prefix).toMatch(new RegExp(`^${prefix}([/?]|$)`));
      }
      if (tag !== "script") continue;
      expect(attributes).toEqual({ src: `${prefix}/live.js`, defer: "" });
    }
  });

  it("show what came from outside as it is", async () => {
    const feed = await open(prefix);
    expect(textOf(feed.elements)).toContain("a<b>&'c");
    expect(textOf(feed.elements)).toContain("ci: failed");
    const branch = await open(`${prefix}/branch/${id}`);
    expect(textOf(branch.elements)).toContain(hostile);
    expect(textOf(branch.elements)).toContain("ci: failed");
    const night = await open(`${prefix}/nightly/${nightly}`);
    expect(textOf(night.elements)).toContain('<b onclick="x">&');
  });

  it("keep logs and diffs to themselves", async () => {
    for (const path of pagePaths) {
      const { text } = await open(prefix + filled(path));
      for (const word of ["checking", "in the night", "the diff itself"]) {
        expect(text).not.toContain(word);
      }
    }
  });

  it("follow the streams that they name", async () => {
    const liveOf = async (path: string) => {
      const { elements } = await open(prefix + path);
      return elements.map(({ attributes }) => attributes["data-live"]).filter(Boolean);
    };
    expect(await liveOf(`/branch/${id}`)).toEqual([`${prefix}/branch/${id}/ci/stream`]);
    expect(await liveOf(`/branch/${id}/ci`)).toEqual([`${prefix}/branch/${id}/ci/stream/full`]);
    expect(await liveOf(`/nightly/${nightly}`)).toEqual([`${prefix}/nightly/${nightly}/stream`]);
    expect(await liveOf("")).toEqual([]);
    const script = await forge.api("GET", `${prefix}/live.js`);
    expect(script.headers.get("content-type")).toMatch(/^text\/javascript/);
    // It is a program that can be read.
    expect(() => new Function(script.text)).not.toThrow();
  });

  it("answer errors as text", async () => {
    const wanted: [string, number, string][] = [
      ["/branch/404", 404, "branch 404 not found"],
      ["/branch/404/ci", 404, "branch 404 not found"],
      ["/inbox/review/404", 404, "branch 404 not found"],
      ["/pr/404", 404, "branch 404 not found"],
      ["/nightly/404", 404, "nightly run 404 not found"],
      ["/branch/x", 400, "Invalid URL: Cannot parse `x` to a `i64`"],
      ["/nightly/x", 400, "Invalid URL: Cannot parse `x` to a `i64`"],
      ["/", 404, ""],
    ];
    for (const [path, status, text] of wanted) {
      const answer = await forge.api("GET", prefix + path);
      expect([answer.status, answer.text]).toEqual([status, text]);
    }
    for (const query of ["open=x", "history=x", "nightlies=x"]) {
      expect((await forge.api("GET", `${prefix}?${query}`)).status).toBe(400);
    }
  });
});

describe("the site's root", () => {
  it("leads to the feed for good", async () => {
    const answer = await forge.api("GET", "/");
    expect([answer.status, answer.headers.get("location")]).toEqual([308, "/git"]);
  });
});

describe("the CI page", () => {
  it("shows what an operator wants to know of a lane", async () => {
    const { elements } = await open(`/git/branch/${id}/ci`);
    const lane = elements.find(({ tag }) => tag === "details");
    expect(lane?.attributes.open).toBe("");
    const terms = elements.filter(({ tag }) => tag === "dt").map(({ text }) => text);
    for (const term of ["lane", "entrypoint", "failure", "end", "hint", "isolation", "finished"]) {
      expect(terms).toContain(term);
    }
    expect(lane?.text).toContain("Classified as test failure.");
    const { json } = await forge.api("GET", paths.branch(id), undefined, token);
    expect(textOf(elements)).toContain(json.branch.head_sha);
    expect(textOf(elements)).toContain(json.branch.merge_base_sha);
  });

  it("says why a lane waits", async () => {
    forge.settings.ciConcurrency = 0;
    await forge.push("waits", { "w.txt": "1\n" });
    // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
    const told = (d: any) => d.ci_runs[0]?.lanes[0].execution_reason === "waiting_for_capacity";
    const { branch } = await forge.until("waits", token, (d) => d.ci_runs.length > 0);
    await forge.api("POST", paths.wake(), undefined, token);
    await forge.push("waits-too", { "w.txt": "2\n" });
    await forge.until("waits", token, told);
    const { elements } = await open(`/git/branch/${branch.branch_id}/ci`);
    expect(textOf(elements)).toContain("waiting for scheduler capacity");
    expect(elements.some(({ attributes }) => attributes["data-branch-ci-active"] === "true")).toBe(
      true,
    );
  });
});

describe("the feed", () => {
  it("goes on from page to page until every ended branch was there", async () => {
    const clock = new HandClock();
    const store = openStore(forge.config.storeFile, clock);
    const names = Array.from({ length: 120 }, (_, number) => `ended-${number}`);
    store.write((tx) => {
      names.forEach((name, number) => {
        // Some ended in the same moment.
        if (number % 3 === 0) clock.tick(1000);
        const head = "1".repeat(40);
        const of = { name, title: name, target: "main", head, mergeBase: head, problem: null };
        const state = number % 2 === 0 ? "merged" : "closed";
        const end = { state, mergeCommit: null, by: null, reason: null } as const;
        tx.endBranch(tx.openBranch(of).id, end);
      });
    });
    store.close();
    const seen: string[] = [];
    let path: string | undefined = "/git";
    let pages = 0;
    while (path !== undefined) {
      const links: readonly Element[] = (await open(path)).elements.filter(
        ({ tag }) => tag === "a",
      );
      seen.push(...links.map(({ text }) => text).filter((text) => text.startsWith("ended-")));
      path = links.find(({ text }) => text === "Older")?.attributes.href;
      pages += 1;
    }
    expect([pages, seen.length]).toEqual([3, names.length]);
    expect(new Set(seen)).toEqual(new Set(names));
  });
});

describe("pages beyond loopback", () => {
  it("are not shown, nor is it told which there are", async () => {
    const wide = await startTestForge({ config: { host: "0.0.0.0" } });
    try {
      for (const path of ["/git", "/git/branch/404", "/news/nightly/404", "/git/branch/1/ci"]) {
        expect((await wide.api("GET", path)).status).toBe(403);
      }
      expect((await wide.api("GET", "/git/api/forge/about")).status).toBe(200);
    } finally {
      await wide.close();
    }
  });
});
