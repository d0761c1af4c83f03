import { expect, it } from "vitest";
import { laneLines, measureLanes } from "../../bench/lanes.ts";

/**
 * The aim is 5 ms of the forge's own for each of a thousand lanes. A loaded machine takes longer
 * for everything, so what is bounded here is the share beside bare starts of the same steps: eight
 * to five for so few lanes while this was written, and several times that where the machine is
 * searched after each lane.
 */
const mostShare = 3;

it("a short lane costs the forge little beside git, the sandbox and its process", async () => {
  const cost = await measureLanes(80);
  console.log(laneLines(cost).join("\n"));
  expect(cost.forgeCpu - cost.bareCpu).toBeLessThan(mostShare * cost.bareCpu);
});
