import { expect, it } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import { errorView, renderError } from "../../../src/operations/errors.ts";
import { refusalOf, renderRefusal } from "../../../src/operations/refusal.ts";

it.each([
  ["it was declined", "Nothing was changed.", "it was declined. Nothing was changed."],
  ["It was declined.", "Nothing was changed.", "It was declined. Nothing was changed."],
  ["it was declined", undefined, "it was declined"],
])("tells what happened and how things stand as sentences: %j, %j", (message, state, why) => {
  const more = state === undefined ? {} : { state };
  expect(refusalOf(new LandError("ci_changed", message, more)).why).toBe(why);
});

it("shows the facts line by line, without the status that programs decide by", () => {
  const facts = { status: 409, head: "abc", files: ["a"], lanes: [] };
  const error = new LandError("merge_conflict", "It conflicts.", { next: "Rebase.", facts });
  const lines = 'head: abc\nfiles: ["a"]';
  expect(refusalOf(error).facts).toEqual({ head: "abc", files: ["a"] });
  expect(renderRefusal(refusalOf(error))).toBe(
    `It conflicts. (merge_conflict)\n${lines}\nNext: Rebase.`,
  );
  expect(renderError(errorView(error))).toBe(
    `It conflicts. (merge_conflict)\nNext: Rebase.\n${lines}`,
  );
});
