import { expect, it } from "vitest";
import { inCommandWords } from "../../../src/cli/tool-names.ts";
import { catalogue } from "../../../src/operations/catalogue.ts";

it.each([
  ["`land_branch`, then `wait_for_ci`.", "`land`, then `land wait`."],
  ["`rebase_branch` with `continue`", "`land rebase --continue`"],
  ["`merge_branch` with `head`", "`land merge --head`"],
  ["`recover_ci` with `rerun_suite`", "`land recover rerun_suite`"],
  ["`land_branch` with `max_seconds`", "`land --max-seconds`"],
  ["land_branch without ticks is left alone", "land_branch without ticks is left alone"],
])("%s", (said, words) => {
  expect(inCommandWords(said, catalogue)).toBe(words);
});
