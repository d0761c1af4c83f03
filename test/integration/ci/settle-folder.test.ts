import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Folder, settleFolder } from "../../../src/server/ci/settle-folder.ts";

let dir: string;
let place: string;
let elsewhere: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-settle-"));
  place = join(dir, "place");
  elsewhere = join(dir, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "HEAD"), "theirs");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const wanted: Folder = { HEAD: "main\n", index: null, objects: { info: { alternates: "/a\n" } } };
const inode = (name: string) => statSync(join(place, name)).ino;

function isSettled(): void {
  expect(readdirSync(place, { recursive: true }).map(String).sort()).toEqual([
    "HEAD",
    "index",
    "objects",
    "objects/info",
    "objects/info/alternates",
  ]);
  expect(readFileSync(join(place, "HEAD"), "utf8")).toBe("main\n");
  expect(readFileSync(join(place, "objects/info/alternates"), "utf8")).toBe("/a\n");
  expect(lstatSync(join(place, "objects")).isDirectory()).toBe(true);
  expect(lstatSync(join(place, "HEAD")).isFile()).toBe(true);
}

it("brings about a folder where there was none, and leaves one as it is that is right", async () => {
  await settleFolder(place, wanted);
  isSettled();
  writeFileSync(join(place, "index"), "whatever");
  const before = ["HEAD", "index", "objects", "objects/info/alternates"].map(inode);
  await settleFolder(place, wanted);
  isSettled();
  expect(["HEAD", "index", "objects", "objects/info/alternates"].map(inode)).toEqual(before);
  expect(readFileSync(join(place, "index"), "utf8")).toBe("whatever");
});

it("never follows a link, nor writes to a file that has a name elsewhere", async () => {
  await settleFolder(place, wanted);
  await rm(join(place, "objects"), { recursive: true });
  symlinkSync(elsewhere, join(place, "objects"));
  await rm(join(place, "HEAD"));
  linkSync(join(elsewhere, "HEAD"), join(place, "HEAD"));
  await rm(join(place, "index"));
  symlinkSync(join(elsewhere, "HEAD"), join(place, "index"));
  await settleFolder(place, wanted);
  isSettled();
  expect(readdirSync(elsewhere)).toEqual(["HEAD"]);
  expect(readFileSync(join(elsewhere, "HEAD"), "utf8")).toBe("theirs");
  expect(lstatSync(join(place, "index")).isFile()).toBe(true);
});

it("replaces a link in the place of the whole folder", async () => {
  symlinkSync(elsewhere, place);
  await settleFolder(place, wanted);
  isSettled();
  expect(readdirSync(elsewhere)).toEqual(["HEAD"]);
});

it("takes away whatever else is there, shut or in great number", async () => {
  await settleFolder(place, wanted);
  mkdirSync(join(place, "hooks", "deep"), { recursive: true });
  writeFileSync(join(place, "hooks", "deep", "post-checkout"), "#!/bin/sh\n");
  chmodSync(join(place, "hooks", "deep"), 0);
  for (let index = 0; index < 200; index += 1) {
    writeFileSync(join(place, "objects", `${index}`), "");
  }
  await rm(join(place, "HEAD"));
  mkdirSync(join(place, "HEAD", "inside"), { recursive: true });
  chmodSync(join(place, "objects", "info"), 0);
  await settleFolder(place, wanted);
  isSettled();
});
