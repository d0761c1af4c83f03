import { readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programIn } from "../../../src/process/search-path.ts";
import { LaneLog } from "../../../src/server/ci/lane-log.ts";
import { readLogRange } from "../../../src/server/http/lane-logs.ts";
import type { LaneRecord } from "../../../src/server/store/records.ts";
import { CiBench, eventually, shellLane, usualSettings } from "../../support/ci.ts";

const cap = 1_000_000;
let bench: CiBench;
let head: string;

beforeAll(async () => {
  bench = await CiBench.make();
  bench.settings = { ...usualSettings, maxLogBytes: cap };
  head = await bench.commit({ "file.txt": "content\n" });
  bench.start();
});
afterAll(() => bench.dispose());

const marker = /\n\[forge\] the log is over its limit: *(\d+) bytes of output were dropped here\n/;

it("keeps head and newest tail of 300 MB, and says how much it dropped", async () => {
  const script = "echo THE HEAD; head -c 300000000 /dev/zero | tr '\\0' x; echo; echo THE TAIL";
  const lane = await bench.runLane(head, shellLane(script));
  expect(lane).toMatchObject({ status: "success" });
  expect(lane.log.length).toBeLessThanOrEqual(cap);
  expect(lane.log.length).toBeGreaterThan(cap * 0.99);
  expect(lane.log.startsWith("THE HEAD\nxxx")).toBe(true);
  expect(lane.log.endsWith("xxx\nTHE TAIL\n")).toBe(true);
  const dropped = Number(marker.exec(lane.log)?.[1]);
  expect(dropped).toBeGreaterThan(290_000_000);
  expect(dropped).toBeLessThan(300_000_020);
});

it("never drops or reorders lines it keeps, though it is cut back again and again", async () => {
  // Slow enough for many looks at the log, long enough to be cut back several times.
  const script = "seq 1 100000; sleep 0.1; seq 100001 300000; sleep 0.1; seq 300001 600000";
  const { log } = await bench.runLane(head, shellLane(script));
  const [before = "", dropped, after = ""] = log.split(marker);
  const numbers = (text: string) => text.split("\n").filter(Boolean).map(Number);
  const first = numbers(before);
  expect(first).toEqual(first.map((_, index) => index + 1));
  const last = numbers(after).slice(1);
  expect(last.at(-1)).toBe(600_000);
  expect(last).toEqual(last.map((_, index) => 600_000 - last.length + 1 + index));
  const whole = Buffer.from(Array.from({ length: 600_000 }, (_, i) => `${i + 1}\n`).join(""));
  expect(before.length + Number(dropped) + after.length).toBe(whole.length);
});

it("is not grown without bound on disk while the lane runs", async () => {
  const script = "cat /dev/zero | tr '\\0' y";
  const run = bench.queue(head, [shellLane(script, { timeoutSeconds: 1 })]);
  const lane = bench.laneOfRun(run.id);
  const sizes: number[] = [];
  const look = setInterval(() => {
    const { blocks } = statSync(join(bench.config.logsDir, `${lane.id}.log`));
    sizes.push(blocks * 512);
  }, 50);
  await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
  clearInterval(look);
  expect(bench.laneOfRun(run.id)).toMatchObject({ failureKind: "timeout" });
  expect(Math.min(...sizes.slice(3))).toBeLessThan(300_000_000);
  expect(bench.log(lane.id).length).toBeLessThan(cap + 100);
});

it("takes one line of 3 MB, and leaves it whole under a larger cap", async () => {
  const script = "head -c 3000000 /dev/zero | tr '\\0' z";
  bench.settings = { ...usualSettings, maxLogBytes: 5_000_000 };
  const whole = await bench.runLane(head, shellLane(script));
  bench.settings = { ...usualSettings, maxLogBytes: cap };
  const cut = await bench.runLane(head, shellLane(script));
  expect(whole.log).toBe("z".repeat(3_000_000));
  expect(cut.log.length).toBeLessThanOrEqual(cap);
  expect(cut.log).toMatch(marker);
});

it("keeps bytes that are not UTF-8 as they are", async () => {
  const lane = await bench.runLane(head, shellLane("printf 'a\\377\\376\\000b\\n'"));
  expect(lane).toMatchObject({ status: "success" });
  expect([...bench.log(lane.id)]).toEqual([0x61, 0xff, 0xfe, 0, 0x62, 0x0a]);
});

it("can be read while the lane runs", async () => {
  const gate = join(bench.dir, "gate");
  const script = `echo first; mkfifo ${gate}; cat ${gate}; echo second`;
  const run = bench.queue(head, [shellLane(script)]);
  const { id } = bench.laneOfRun(run.id);
  await expect.poll(() => bench.log(id).toString(), eventually).toBe("first\n");
  await expect
    .poll(() => statSync(gate, { throwIfNoEntry: false })?.isFIFO(), eventually)
    .toBe(true);
  await writeFile(gate, "let through\n");
  await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
  expect(bench.log(id).toString()).toBe("first\nlet through\nsecond\n");
});

const printed = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join("");

const punches = programIn(undefined, "fallocate") !== undefined;
const missing = punches ? "" : " (skipped: fallocate is missing here)";

describe.runIf(punches)(`while a lane over the limit runs${missing}`, () => {
  it("its file only loses its middle, and is read without gaps or zeros", async () => {
    const gate = join(bench.dir, "open-gate");
    const script = `mkfifo ${gate}; seq 1 600000; cat ${gate}; seq 600001 600009`;
    const run = bench.queue(head, [shellLane(script)]);
    const { id } = bench.laneOfRun(run.id);
    const path = join(bench.config.logsDir, `${id}.log`);
    const onDisk = () => (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    const everything = printed(1, 600_000);
    await expect
      .poll(() => statSync(path, { throwIfNoEntry: false })?.size, eventually)
      .toBe(everything.length);
    await expect.poll(onDisk, eventually).toBeLessThan(everything.length / 1.5);

    const lane = bench.laneOfRun(run.id);
    const tail = await readLogRange(bench.config, lane, { offset: undefined, maxBytes: 100_000 });
    expect(tail.text).toBe(everything.slice(-100_000));
    expect(tail.nextOffset).toBe(tail.totalBytes);
    const { text, totalBytes } = await pages(lane, 30_011);
    expect(Buffer.byteLength(text)).toBe(totalBytes);
    const [before = "", dropped, after = ""] = text.split(marker);
    expect(everything.startsWith(before)).toBe(true);
    expect(everything.endsWith(after)).toBe(true);
    expect(after.length).toBeGreaterThan(cap / 2);
    expect(before.length + Number(dropped) + after.length).toBe(everything.length);

    await writeFile(gate, "");
    await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
    const log = bench.log(id).toString();
    expect(log.length).toBeLessThanOrEqual(cap);
    expect(log.endsWith(printed(599_000, 600_009))).toBe(true);
    const whole = await pages(bench.laneOfRun(run.id), 100_000);
    expect(whole).toEqual({ text: log, totalBytes: log.length });
    expect(readdirSync(bench.config.logsDir).filter((name) => !/^\d+\.log$/.test(name))).toEqual(
      [],
    );
  });
});

/** A log page by page; from the start again if more of it was given back meanwhile. */
async function pages(
  lane: LaneRecord,
  maxBytes: number,
): Promise<{ text: string; totalBytes: number }> {
  let text = "";
  let total: number | undefined;
  for (let offset = 0; ; ) {
    const page = await readLogRange(bench.config, lane, { offset, maxBytes });
    total ??= page.totalBytes;
    if (page.totalBytes !== total) return pages(lane, maxBytes);
    expect(page.offset).toBe(offset);
    if (page.nextOffset === offset) return { text, totalBytes: page.totalBytes };
    text += page.text;
    offset = page.nextOffset;
  }
}

describe("where no hole can be made", () => {
  it.each(["refused", "unfinished"] as const)("(%s) the file is cut back", async (answer) => {
    const log = new LaneLog(join(bench.dir, `${answer}.log`), cap, async () => answer);
    let largest = 0;
    for (let from = 1; from < 1_000_000; from += 10_000) {
      writeSync(log.output, printed(from, from + 9_999));
      log.trim();
      // The answer is taken in.
      await Promise.resolve();
      await Promise.resolve();
      largest = Math.max(largest, log.size);
    }
    log.finish([]);
    const everything = printed(1, 1_000_000);
    expect(largest).toBeLessThan(everything.length / 2);
    const [before = "", dropped, after = ""] = readFileSync(log.path, "utf8").split(marker);
    expect(everything.startsWith(before)).toBe(true);
    expect(everything.endsWith(after)).toBe(true);
    expect(before.length + Number(dropped) + after.length).toBe(everything.length);
    expect(before.length + after.length).toBeGreaterThan(cap * 0.99);
    expect(readdirSync(bench.dir).filter((name) => name.startsWith(`${answer}.`))).toHaveLength(1);
  });
});
