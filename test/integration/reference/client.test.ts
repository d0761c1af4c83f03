import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prefixes } from "../../../src/contract/paths.ts";
import { referenceClient } from "../../support/reference-client.ts";
import { oneLaneManifest, startTestForge, type TestForge } from "../../support/server.ts";

/** The reference's own client, unmodified, against our forge. */
const manifest = `${oneLaneManifest}
[[nightly.lanes]]
id = "night"
title = "Night"
entrypoint = "sh night"
command = ["sh", "-c", "while test ! -e $HOME/never; do sleep 0.05; done"]
`;

let forge: TestForge;
let token: string;

beforeAll(async () => {
  forge = await startTestForge({ manifest });
  token = await forge.login(forge.agent.nsec);
});
afterAll(() => forge.close());

const pushed = async (name: string, files: Readonly<Record<string, string>>) => {
  const head = await forge.push(name, files, await forge.git(["rev-parse", "forge/main"]));
  const { branch } = await forge.until(name, token, (seen) => seen.branch.head_sha === head);
  return { head, id: branch.branch_id as number };
};

describe.each(prefixes)("the reference's client below %s", (prefix) => {
  const word = prefix.slice(1);
  const client = () => referenceClient(prefix, join(forge.dir, `ph-${word}`));
  const ended = (name: string) => () =>
    forge
      .until(name, token, (seen) => !["queued", "running"].includes(seen.branch.ci_status))
      .then(() => undefined);

  it("logs in with its own spelling of the address, and out", async () => {
    const ph = client();
    const { npub, nsec } = forge.agent;
    const port = new URL(forge.origin).port;
    expect(await ph.login(`http://localhost:${port}/`, nsec)).toBe(
      `logged in as ${npub} forge_write=true admin=false`,
    );
    expect(await ph.whoami(" ")).toBe(`${npub} forge_write=true admin=false chat=true`);
    await expect(ph.whoami(forge.origin)).rejects.toThrow("saved session belongs to");
    expect((await stat(ph.file)).mode & 0o777).toBe(0o600);
    expect(await ph.logout()).toBe("logged out");
    await expect(ph.whoami()).rejects.toThrow("ENOENT");
  });

  it("lands a green branch, once", async () => {
    const ph = client();
    await ph.login(forge.origin, forge.agent.nsec);
    await forge.git(["fetch", "-q", "forge"]);
    const name = `green-${word}`;
    const { head, id } = await pushed(name, { [`${name}.txt`]: "x\n" });
    expect(await ph.wait(name, ended(name))).toContain(`branch #${id} ${name} open`);
    expect(await ph.status(String(id))).toContain(
      `success head ${head.slice(0, 12)}\n- check success`,
    );
    expect(await ph.logs(name)).toContain("checking");
    expect(await ph.logs(name, "check")).toContain("checking");
    await expect(ph.logs(name, "absent")).rejects.toThrow("404 no matching lane logs found");
    expect(await ph.wakeCi()).toBe("scheduler wake requested");
    const said = await ph.merge(name);
    await forge.git(["fetch", "-q", "forge"]);
    expect(said).toBe(`merged branch #${id} ${await forge.git(["rev-parse", "forge/main"])}`);
    // A client that timed out asks again.
    await expect(ph.merge(String(id))).rejects.toThrow("409 only open branches can be merged");
    expect(await ph.status(name)).toContain(` merged tutorial=pending ci=success`);
  });

  it("lands no red branch, not even by force, and closes it", async () => {
    const ph = client();
    await ph.login(forge.origin, forge.agent.nsec);
    await forge.git(["fetch", "-q", "forge"]);
    const name = `red-${word}`;
    const { id } = await pushed(name, { fail: `${word}\n` });
    await expect(ph.wait(name, ended(name))).rejects.toThrow("settled with status failed");
    await expect(ph.merge(name)).rejects.toThrow(/ci is failed|409 ci is not green/);
    await expect(ph.merge(name, true)).rejects.toThrow("409 ci is not green");
    await expect(ph.failLane(name, { lane: "check" })).rejects.toThrow("409 lane check is already");
    await expect(ph.requeueLane(name, { lane: "check" })).rejects.toThrow("409 lane check cannot");
    expect(await ph.recoverRun({ ref: name })).toMatch(/^recovered branch #\d+ run #\d+ lanes=0$/);
    expect(await ph.close(name)).toBe(`closed branch #${id} deleted=true`);
    await expect(ph.close(String(id))).rejects.toThrow("409 only open branches can be closed");
    await expect(ph.status("nowhere")).rejects.toThrow("404 branch not found");
    await expect(ph.status("-5")).rejects.toThrow("404 branch not found");
  });

  it("fails, requeues and recovers a nightly's lane", async () => {
    const ph = client();
    await ph.login(forge.origin, forge.agent.nsec);
    const { json } = await forge.api("POST", `${prefix}/api/forge/nightly`, undefined, token);
    const nightly = json.nightly_run_id as number;
    const night = { lane: "night", nightly };
    const about = new RegExp(`nightly #${nightly} lane #\\d+ night$`);
    expect(await ph.failLane(undefined, night)).toMatch(about);
    // Asked for again, it is answered alike.
    expect(await ph.failLane(undefined, night)).toMatch(about);
    expect(await ph.requeueLane(undefined, night)).toMatch(about);
    // A lane that began meanwhile has a worker that lives, so it goes on.
    const recovered = await ph.recoverRun({ nightly });
    expect(recovered).toMatch(new RegExp(`^recovered nightly #${nightly} lanes=[01]$`));
    await expect(ph.recoverRun({ nightly: 9_999 })).rejects.toThrow("404 nightly run not found");
    expect(await ph.failLane(undefined, night)).toMatch(about);
  });
});
