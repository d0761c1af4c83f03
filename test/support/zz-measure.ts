import { CiBench, shellLane } from "/work/main/test/support/ci.ts";
for (const isolation of ["none", "bwrap"] as const) {
  const bench = await CiBench.make();
  const files: Record<string, string> = {};
  for (let n = 0; n < 1000; n++) files[`d${n % 50}/f${n}.txt`] = `content ${n}\n`;
  const heads = [await bench.commit(files)];
  for (let n = 0; n < 8; n++) heads.push(await bench.commit({ [`d1/new${n}.txt`]: "x" }));
  bench.start({ isolation });
  for (const head of heads) {
    const t = Date.now();
    const run = bench.queue(head, [shellLane("date +%s%3N; pwd")]);
    await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
    const end = Date.now();
    const [at, dir] = bench.log(bench.laneOfRun(run.id).id).toString().split("\n");
    console.log(isolation, "start", Number(at) - t, "end", end - t, dir, bench.warnings);
    await new Promise((r) => setTimeout(r, 300));
  }
  await bench.dispose();
}
