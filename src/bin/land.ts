#!/usr/bin/env node
import { entryFor } from "./entries.ts";
import { launch } from "./launch.ts";

const args = process.argv.slice(2);
await launch({
  launcher: import.meta.url,
  args,
  entry: entryFor(args),
  tooOld(words) {
    process.stderr.write(`land ${words}\n`);
    process.exitCode = 1;
  },
});
