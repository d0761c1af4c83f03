import { answers, type Case, plainly, refuses, row } from "../case.ts";
import { is, keys, sha } from "../match.ts";
import type { Pushed, World } from "../world.ts";

type Verb = "merge" | "close";
const path = (verb: Verb, id: number) => `/api/forge/branch/${id}/${verb}`;
const twin = (verb: Verb, id: number) => `/branch/${id}/${verb}`;
const post = (at: string) => ({ method: "POST", path: at, as: "writer" as const });
const green = (world: World, unique: string) => world.push(unique, "success");

const merged = ({ id }: Pushed, world: World) =>
  answers(
    keys({
      status: is("ok"),
      branch_id: is(id),
      merge_commit_sha: sha,
      ...(world.revision === "head" ? { deleted: is(null) } : {}),
    }),
  );
const closed = ({ id }: Pushed, world: World) =>
  answers(
    keys({
      status: is("ok"),
      branch_id: is(id),
      deleted: is(true),
      ...(world.revision === "head" ? { merge_commit_sha: is(null) } : {}),
    }),
  );

/** The target holds a merge commit of both, and the branch is gone. */
async function landed(pushed: Pushed, world: World, said: string): Promise<void> {
  const tip = await world.git("rev-parse", `refs/heads/${world.target}`);
  if (tip !== said) throw new Error(`the target is at ${tip}, not ${said}`);
  const parents = await world.git("rev-parse", `${tip}^2`);
  if (parents !== pushed.head) throw new Error(`the second parent is ${parents}`);
  const subject = await world.git("log", "-1", "--format=%s", tip);
  if (subject !== `Merge branch '${pushed.name}' into ${world.target}`) throw new Error(subject);
  await gone(pushed, world);
}

async function gone({ name }: Pushed, world: World): Promise<void> {
  const left = await world.git("for-each-ref", `refs/heads/${name}`);
  if (left !== "") throw new Error(`the branch is still there: ${left}`);
}

/** Both paths of a verb, with every body that is to be ignored. */
const successes = (["merge", "close"] as const).flatMap((verb): Case[] => {
  const good = verb === "merge" ? merged : closed;
  // What is closed need not be tested first.
  const some =
    verb === "merge" ? green : (world: World, unique: string) => world.push(unique, "queued");
  const bodies: [string, { body?: unknown; type?: string }][] = [
    ["no body", {}],
    ["an empty object", { body: {} }],
    ["an empty object without content type", { body: "{}" }],
  ];
  const after: Case<Pushed>["after"] = (pushed, world, { json }) =>
    verb === "merge" ? landed(pushed, world, json.merge_commit_sha) : gone(pushed, world);
  return [
    ...bodies.map(([name, sent]) =>
      row<Pushed>({
        section: "2.4",
        name: `${verb} with ${name}`,
        arrange: name === "no body" ? green : some,
        call: ({ id }) => ({ ...post(path(verb, id)), ...sent }),
        expect: good,
        after,
      }),
    ),
    row<Pushed>({
      section: "2.4",
      name: `${verb} by the page's own path`,
      arrange: some,
      call: ({ id }) => post(twin(verb, id)),
      expect: good,
      after,
    }),
    row<Pushed>({
      section: "2.4",
      name: `${verb} with a body that is no JSON`,
      arrange: some,
      call: ({ id }) => ({ ...post(path(verb, id)), body: "{", type: "text/plain" }),
      expect: good,
      differs: {
        row: "Body of merge and close",
        expect: plainly(400, /^Failed to parse the request body as JSON: /),
      },
    }),
  ];
});

const refusals = (["merge", "close"] as const).flatMap((verb): Case[] => {
  const past = verb === "merge" ? "merged" : "closed";
  const doing = verb === "merge" ? "merging" : "closing";
  const ended = (by: Verb) =>
    row<Pushed>({
      section: "2.4",
      name: `${verb} of a branch that was ${by === "merge" ? "merged" : "closed"}`,
      arrange: (world) => world.shared(by === "merge" ? "merged" : "closed"),
      call: ({ id }) => post(path(verb, id)),
      expect: refuses(409, `only open branches can be ${past}`),
    });
  return [
    ...[404_404, -1].map((id) =>
      row({
        section: "2.4",
        name: `${verb} of the branch ${id} that there is not`,
        call: () => post(path(verb, id)),
        expect: refuses(404, "branch not found"),
      }),
    ),
    ended("merge"),
    ended("close"),
    row<Pushed>({
      section: "2.4",
      name: `${verb} of a branch whose ref is gone`,
      async arrange(world, unique) {
        const pushed = await world.push(unique, "success");
        await world.moveBehind(unique, null);
        return pushed;
      },
      call: ({ id }) => post(path(verb, id)),
      expect: refuses(409, "branch ref no longer exists"),
    }),
    row<Pushed>({
      section: "2.4",
      name: `${verb} of a head that the forge has not seen yet`,
      async arrange(world, unique) {
        const pushed = await world.push(unique, "success");
        await world.moveBehind(unique, { "behind.txt": `${unique}\n` });
        return pushed;
      },
      call: ({ id }) => post(path(verb, id)),
      expect: refuses(409, `branch head changed; refresh before ${doing}`),
      after: untouched,
    }),
  ];
});

async function untouched(pushed: Pushed, world: World): Promise<void> {
  const left = await world.git("for-each-ref", `refs/heads/${pushed.name}`);
  if (left === "") throw new Error("the branch is gone");
}

const guards: Case[] = [
  row<Pushed>({
    section: "2.4",
    name: "merge of a branch that conflicts with the target",
    async arrange(world, unique) {
      const file = `conflict-${unique}.txt`;
      const pushed = await world.push(unique, "success", { [file]: "one\n" });
      await world.moveTarget({ [file]: "another\n" });
      return pushed;
    },
    call: ({ id }) => post(path("merge", id)),
    expect: ({ name }, world) => refuses(409, `merge branch \`${name}\` into ${world.target}`),
    after: untouched,
  }),
  row<Pushed>({
    section: "2.4",
    name: "merge of a branch that the target went on without",
    async arrange(world, unique) {
      const pushed = await world.push(unique, "success");
      await world.moveTarget({ [`beside-${unique}.txt`]: "beside\n" });
      return pushed;
    },
    call: ({ id }) => post(path("merge", id)),
    expect: merged,
    differs: { row: "Merge", expect: refuses(409, /./), after: untouched },
  }),
  ...(["failed", "running", "queued"] as const).map((fate) =>
    row<Pushed>({
      section: "2.4",
      name: `merge of a branch whose CI is ${fate}`,
      arrange: (world, unique) => world.push(unique, fate),
      call: ({ id }) => post(path("merge", id)),
      expect: merged,
      differs: { row: "Merge", expect: refuses(409, /./), after: untouched },
    }),
  ),
  ...(["failed", "running", "queued"] as const).map((fate) =>
    row<Pushed>({
      section: "2.4",
      name: `close of a branch whose CI is ${fate}`,
      arrange: (world, unique) => world.push(unique, fate),
      call: ({ id }) => post(path("close", id)),
      expect: closed,
      after: gone,
    }),
  ),
  row<Pushed>({
    section: "10",
    name: "a merge asked for again by a client that timed out",
    arrange: (world) => world.shared("merged"),
    call: ({ id }) => post(twin("merge", id)),
    expect: refuses(409, "only open branches can be merged"),
  }),
];

export const landingCases: readonly Case[] = [...successes, ...refusals, ...guards];
