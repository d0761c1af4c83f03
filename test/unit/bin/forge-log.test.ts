import { expect, it } from "vitest";
import { patientLog } from "../../../src/bin/forge-log.ts";

/** A disk with so much room. */
function disk(room: { bytes: number }) {
  let text = "";
  return {
    put(_fd: number, wanted: string) {
      if (room.bytes === 0) throw Object.assign(new Error("full"), { code: "ENOSPC" });
      const part = wanted.slice(0, room.bytes);
      room.bytes -= part.length;
      text += part;
      return part.length;
    },
    lines: () => text.split("\n"),
  };
}

it("writes lines as they come", () => {
  const at = disk({ bytes: 1000 });
  const log = patientLog(1, at.put);
  log.write("one\n");
  log.write("two\n");
  expect(at.lines()).toEqual(["one", "two", ""]);
});

it("goes on when the disk is full, says how many lines were lost, and mends a cut line", () => {
  const room = { bytes: 6 };
  const at = disk(room);
  const log = patientLog(1, at.put);
  for (const line of ["one\n", "two\n", "three\n", "four\n"]) log.write(line);
  room.bytes = 1000;
  log.write("five\n");
  log.write("six\n");
  const [one, cut, told = "", ...rest] = at.lines();
  expect([one, cut]).toEqual(["one", "tw"]);
  expect(JSON.parse(told)).toMatchObject({ level: 40, lost: 3 });
  expect(rest).toEqual(["five", "six", ""]);
});
