import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NightlyListAnswer } from "../../../src/contract/nightly.ts";
import { paths } from "../../../src/contract/paths.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { eventually } from "../../support/ci.ts";
import { untilNightly } from "../../support/nightly.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const hour = 3_600_000;

/** The machine's clock, moved on by hand. */
let ahead = 0;
const clock = { now: () => new Date(Date.now() + ahead) };

/** The slot is an hour from now; the second lane hangs the first time that it is run. */
const slot = Math.floor((Date.now() + hour) / 60_000) * 60_000;
const slotAfter = (days: number) => new Date(slot + days * 24 * hour).toISOString();
const manifest = `version = 1
nightly_schedule_utc = "${slotAfter(0).slice(11, 16)}"

[[branch.lanes]]
id = "check"
title = "Check"
entrypoint = "true"
command = ["true"]

[[nightly.lanes]]
id = "quick"
title = "Quick"
entrypoint = "sh quick"
command = ["sh", "-c", "echo skipped nothing to do > $FORGE_LANE_RESULT"]

[[nightly.lanes]]
id = "stuck"
title = "Stuck"
entrypoint = "sh stuck"
command = ["sh", "-c", "test -e $XDG_CACHE_HOME/seen || { touch $XDG_CACHE_HOME/seen; echo hangs; sleep 600; }"]
`;

let forge: TestForge;
let token: string;
beforeAll(async () => {
  forge = await startTestForge({ manifest, server: { clock } });
  token = await forge.login(forge.agent.nsec);
});
afterAll(() => forge?.close());

const list = async (): Promise<NightlyListAnswer> =>
  (await forge.api("GET", paths.nightlies(), undefined, token)).json;
const read = async (id: number) =>
  (await forge.api("GET", paths.nightly(id), undefined, token)).json;

describe("a forge that was down when nightlies were due", () => {
  let id: number;

  it("has none before the first slot, and says when it comes", async () => {
    await expect.poll(async () => (await list()).next_scheduled_for, eventually).toBe(slotAfter(0));
    expect((await list()).nightlies).toEqual([]);
    expect((await forge.api("GET", "/git")).text).toContain(slotAfter(0));
  });

  it("catches up with one at its start", async () => {
    ahead = 50 * hour;
    forge = await forge.restart();
    await expect.poll(async () => (await list()).nightlies.length, eventually).toBe(1);
    const [line] = (await list()).nightlies;
    expect(line).toMatchObject({
      scheduled_for: slotAfter(2),
      lane_count: 2,
      summary: expect.stringContaining("Caught up"),
    });
    id = line?.nightly_run_id ?? 0;
  });

  it("is stopped in the middle of it, and goes on with it, not with another", async () => {
    await expect
      .poll(async () => (await read(id)).lanes[1].log_bytes, eventually)
      .toBeGreaterThan(0);
    forge = await forge.restart();
    const settled = await untilNightly(forge, token, id);
    expect(settled).toMatchObject({
      status: "success",
      lanes: [
        { status: "skipped", note: "nothing to do", status_badge_class: "status-skipped" },
        { status: "success" },
      ],
    });
    expect((await list()).nightlies).toHaveLength(1);
    const page = (await forge.api("GET", "/git")).text;
    expect(page).toContain("The next one begins at");
    expect(page).toContain(`Last: <a href="/git/nightly/${id}">`);
    expect((await forge.api("GET", `/git/nightly/${id}`)).text).toContain("nothing to do");
  });

  it("which started by itself catches up too, and still stops when it is idle", async () => {
    ahead += 24 * hour;
    forge = await forge.restart({ idleSeconds: 1 });
    expect(await forge.server.closed).toBe("idle");
    const store = openStore(forge.config.storeFile, clock);
    try {
      const nightlies = store.read.nightlies({ limit: 10 });
      expect(nightlies).toHaveLength(2);
      expect(store.read.run(nightlies[0]?.runId ?? 0)?.status).toBe("success");
    } finally {
      store.close();
    }
  });
});
