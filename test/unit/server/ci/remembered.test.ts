import { expect, it } from "vitest";
import { rememberedOfCommits } from "../../../../src/server/ci/remembered.ts";

it("asks once for two commits, again after a failure, and forgets the oldest", async () => {
  const asked: string[] = [];
  let fails = true;
  const find = rememberedOfCommits(async (one, other) => {
    asked.push(one + other);
    if (fails) throw new Error("git failed");
    return [one, other];
  }, 2);
  await expect(find("a", "b")).rejects.toThrow("git failed");
  fails = false;
  expect(await find("a", "b")).toEqual(["a", "b"]);
  expect(await find("a", "b")).toEqual(["a", "b"]);
  expect(asked).toEqual(["ab", "ab"]);
  await find("b", "a");
  await find("c", "a");
  await find("c", "a");
  await find("a", "b");
  expect(asked).toEqual(["ab", "ab", "ba", "ca", "ab"]);
});
