import type { Pushed, World } from "./world.ts";

/** One branch of each fate, pushed when it is first wanted. */
export function sharedBranches(push: World["push"]): World["shared"] {
  const made = new Map<string, Promise<Pushed>>();
  return (fate) => {
    const known = made.get(fate) ?? push(`shared-${fate}`, fate);
    made.set(fate, known);
    return known;
  };
}
