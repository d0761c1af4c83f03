/** A forge's CI in a process of its own, to be killed by a test: `node ci-forge.ts DIR`. */
import { createCi } from "../../src/server/ci/create.ts";
import { openStore } from "../../src/server/store/open-store.ts";
import { ciConfig, usualSettings } from "./ci-config.ts";

const [dir = "", isolation = "none"] = process.argv.slice(2);
const config = ciConfig(dir, () => usualSettings);
const clock = { now: () => new Date() };
createCi({
  config,
  store: openStore(config.storeFile, clock),
  clock,
  isolation: isolation === "bwrap" ? "bwrap" : "none",
});
