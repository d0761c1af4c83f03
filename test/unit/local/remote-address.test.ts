import { expect, test } from "vitest";
import { addressKey, remoteAddress } from "../../../src/local/remote-address.ts";

test.each([
  ["git@git.example.org:pika.git", "git.example.org/pika"],
  ["ssh://git@Git.example.org:2222/o/r.git/", "git.example.org/o/r"],
  ["https://ada:secret@git.example.org/o/r.git?x=1", "git.example.org/o/r"],
  ["https://git.example.org/o/r%20s", "git.example.org/o/r s"],
  ["git.example.org:o/r", "git.example.org/o/r"],
  ["file:///srv/r.git", "/srv/r.git"],
  ["/srv/r.git", "/srv/r.git"],
  ["../r", "/home/r"],
  ["./with:colon", "/home/ada/with:colon"],
])("%s leads to %s", (url, key) => {
  const address = remoteAddress(url, "/home/ada");
  expect(address === undefined ? undefined : addressKey(address)).toBe(key);
});

test.each(["", "  ", "https://"])("%j leads nowhere", (url) => {
  expect(remoteAddress(url, "/home/ada")).toBeUndefined();
});
