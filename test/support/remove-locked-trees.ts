/** Makes trees with locked folders and removes them, as whoever runs it: `node … DIR TIMES`. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTree } from "../../src/server/ci/remove-tree.ts";

const [dir = "", times = "1"] = process.argv.slice(2);
for (let time = 0; time < Number(times); time += 1) {
  const root = join(dir, `tree-${time}`);
  for (const name of ["a", "b", "c/d/e", "f/g"]) {
    mkdirSync(join(root, name), { recursive: true });
    for (let at = 0; at < 40; at += 1) writeFileSync(join(root, name, `${at}`), "");
  }
  for (const name of ["c/d/e", "c/d", "f/g", "f", "b"]) chmodSync(join(root, name), 0o000);
  await removeTree(root);
  if (existsSync(root)) throw new Error(`${root} is still there`);
}
