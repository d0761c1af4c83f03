import { expect, it } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import { refusalOf } from "../../../src/operations/refusal.ts";

it.each([
  ["it answered 409: no", "Nothing was changed.", "it answered 409: no. Nothing was changed."],
  ["It was declined.", "Nothing was changed.", "It was declined. Nothing was changed."],
  ["it answered 409: no", undefined, "it answered 409: no"],
])("tells what happened and how things stand as sentences: %j, %j", (message, state, why) => {
  const more = state === undefined ? {} : { state };
  expect(refusalOf(new LandError("ci_changed", message, more)).why).toBe(why);
});
