import type { Fate, Pushed, SharedKind, World } from "./world.ts";

/** What each kind is made of: a pushed branch, and what was done to it. */
const made: Readonly<Record<SharedKind, readonly [Fate, ("merge" | "close")?]>> = {
  success: ["success"],
  failed: ["failed"],
  running: ["running"],
  merged: ["success", "merge"],
  closed: ["failed", "close"],
};

/** One branch of each kind, pushed when it is first wanted. */
export function sharedBranches(world: () => Pick<World, "push" | "ask">): World["shared"] {
  const known = new Map<SharedKind, Promise<Pushed>>();
  const make = async (kind: SharedKind) => {
    const [fate, end] = made[kind];
    const pushed = await world().push(`shared-${kind}`, fate);
    if (end === undefined) return pushed;
    const path = `/api/forge/branch/${pushed.id}/${end}`;
    const reply = await world().ask({ method: "POST", path, as: "writer" });
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
    return pushed;
  };
  return (kind) => {
    const there = known.get(kind) ?? make(kind);
    known.set(kind, there);
    return there;
  };
}
