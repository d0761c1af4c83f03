import { expect, it } from "vitest";
import { renderHeader, type Standing } from "../../../src/brief/header.ts";
import type { Place } from "../../../src/brief/place.ts";

it("tells what is checked out where git takes too long to look at the work tree", () => {
  const header = (standing: Standing) =>
    renderHeader({
      at: 0,
      place: {
        folder: "/repo",
        repository: {} as NonNullable<Place["repository"]>,
        forge: undefined,
        wanting: [],
      },
      standing,
      identity: undefined,
      notes: [],
    });
  const head = { commit: "a".repeat(40), subject: "one", branch: "work" };
  expect(header({ head, state: undefined })).toContain(
    'HEAD: aaaaaaaaaaaa "one", branch `work`; git did not say in time what is changed',
  );
  expect(header({ head: undefined, state: undefined })).toContain("HEAD: git did not say in time");
});
