import { describe, expect, it } from "vitest";
import {
  agreementChanges,
  lagOf,
  parseRefs,
  planMirror,
} from "../../../../src/server/mirror/plan.ts";

const sha = (letter: string) => letter.repeat(40);
const [a, b, c] = [sha("a"), sha("b"), sha("c")];
const target = "refs/heads/main";
const refs = (all: Record<string, string>) => new Map(Object.entries(all));
const view = (
  local: Record<string, string>,
  remote: Record<string, string>,
  agreed: Record<string, string> = {},
  tried: Record<string, string> = {},
) => ({
  ...{ target, local: refs(local), remote: refs(remote), agreed: refs(agreed) },
  tried: new Map(Object.entries(tried).map(([ref, one]) => [ref, new Set([one])])),
});

describe("what is pushed to the mirror", () => {
  it("is nothing where both sides are the same", () => {
    const same = { [target]: a, "refs/tags/v1": b };
    expect(planMirror(view(same, same))).toEqual({ pushes: [], refused: [] });
  });

  it("is the target without a lease, whatever was agreed on before", () => {
    const plan = planMirror(view({ [target]: b }, { [target]: a }, { [target]: a }));
    expect(plan.pushes).toEqual([{ ref: target, to: b, lease: null }]);
  });

  it("rewrites a branch only where the mirror has what was agreed on", () => {
    const ref = "refs/heads/x";
    expect(planMirror(view({ [ref]: b }, { [ref]: a }, { [ref]: a })).pushes).toEqual([
      { ref, to: b, lease: a },
    ]);
    expect(planMirror(view({ [ref]: b }, { [ref]: c }, { [ref]: a })).pushes).toEqual([
      { ref, to: b, lease: null },
    ]);
  });

  it("deletes what the forge deleted, and nothing that others put there", () => {
    const remote = { "refs/heads/gone": a, "refs/heads/moved": b, "refs/heads/theirs": c };
    const agreed = { "refs/heads/gone": a, "refs/heads/moved": a };
    expect(planMirror(view({}, remote, agreed)).pushes).toEqual([
      { ref: "refs/heads/gone", to: null, lease: a },
    ]);
  });

  it("rewrites and deletes what a push that was cut off had put there", () => {
    const [ref, gone] = ["refs/heads/x", "refs/heads/gone"];
    const remote = { [ref]: b, [gone]: b };
    const cut = view({ [ref]: c }, remote, { [ref]: a }, { [ref]: b, [gone]: b });
    expect(planMirror(cut).pushes).toEqual([
      { ref: gone, to: null, lease: b },
      { ref, to: c, lease: b },
    ]);
    expect(lagOf(cut).lagging).toEqual([gone, ref]);
    const done = view({ [ref]: a }, { [ref]: a }, { [ref]: a }, { [ref]: b, [gone]: b });
    expect([...agreementChanges(done)]).toEqual([
      [ref, a],
      [gone, null],
    ]);
  });

  it("never deletes the target or a tag", () => {
    const there = { [target]: a, "refs/tags/v1": a };
    expect(planMirror(view({}, there, there))).toEqual({ pushes: [], refused: [] });
  });

  it("adds tags and refuses to move one", () => {
    const plan = planMirror(
      view({ "refs/tags/v1": a, "refs/tags/v2": b }, { "refs/tags/v1": c }, { "refs/tags/v1": c }),
    );
    expect(plan).toEqual({
      pushes: [{ ref: "refs/tags/v2", to: b, lease: null }],
      refused: [{ ref: "refs/tags/v1", why: "tag_differs" }],
    });
  });
});

describe("the lag of the mirror", () => {
  it("counts what it lacks, has elsewhere and still has, the target first", () => {
    const lag = lagOf(
      view(
        { [target]: b, "refs/heads/a": a, "refs/heads/same": a },
        { [target]: a, "refs/heads/same": a, "refs/heads/old": c, "refs/heads/theirs": c },
        { "refs/heads/old": c },
      ),
    );
    expect(lag).toEqual({ lagging: [target, "refs/heads/a", "refs/heads/old"], synced: 1 });
  });
});

it("remembers where both sides agree, and forgets what neither has", () => {
  const changes = agreementChanges(
    view(
      { [target]: b, "refs/heads/x": a },
      { [target]: b, "refs/heads/x": c },
      { [target]: a, "refs/heads/x": b, "refs/heads/gone": a },
    ),
  );
  expect([...changes]).toEqual([
    [target, b],
    ["refs/heads/gone", null],
  ]);
});

it("reads refs of branches and tags, and no line that is something else", () => {
  const text = `${a}\trefs/heads/x\n${b}\trefs/tags/v\n${c}\trefs/tags/v^{}\n${c}\trefs/pull/1/head\nwarning\trefs/heads/y\n`;
  expect([...parseRefs(text)]).toEqual([
    ["refs/heads/x", a],
    ["refs/tags/v", b],
  ]);
});
