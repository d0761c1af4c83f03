import { expect, it } from "vitest";
import { outdatedDocuments } from "../../scripts/generate.ts";

it("has its generated documents up to date (`npm run generate` writes them)", async () => {
  expect([...(await outdatedDocuments()).keys()]).toEqual([]);
});
