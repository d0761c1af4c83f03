/**
 * A forge's CI in a process of its own, to be killed by a test:
 * `node ci-forge.ts DIR [none|bwrap] [SETTINGS] [TIMING]`, the last two as JSON.
 */
import { createCi } from "../../src/server/ci/create.ts";
import { openStore } from "../../src/server/store/open-store.ts";
import { ciConfig, usualSettings } from "./ci-config.ts";

const [dir = "", isolation = "none", settings = "{}", timing = "{}"] = process.argv.slice(2);
const owner = { ...usualSettings, ...JSON.parse(settings) };
const config = ciConfig(dir, () => owner);
const clock = { now: () => new Date() };
createCi({
  config,
  store: openStore(config.storeFile, clock),
  clock,
  timing: JSON.parse(timing),
  isolation: isolation === "bwrap" ? "bwrap" : "none",
});
// As the server does that it is a part of.
setInterval(() => {}, 60_000);
