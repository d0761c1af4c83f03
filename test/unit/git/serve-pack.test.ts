import { describe, expect, it } from "vitest";
import { parsePackRequest } from "../../../src/git/serve-pack.ts";

describe("what git asks for over SSH", () => {
  it.each([
    ["git-upload-pack 'app.git'", "git-upload-pack", "app.git"],
    ["git-receive-pack '/srv/my app.git'", "git-receive-pack", "/srv/my app.git"],
    ["git upload-pack 'app.git'", "git-upload-pack", "app.git"],
    ["git-upload-pack app.git", "git-upload-pack", "app.git"],
    ["git-upload-pack 'it'\\''s.git'", "git-upload-pack", "it's.git"],
    ["git-upload-pack '$(reboot).git'", "git-upload-pack", "$(reboot).git"],
  ])("is read: %s", (command, service, path) => {
    expect(parsePackRequest(command)).toEqual({ service, path });
  });

  it.each([
    "sh",
    "sh -c 'git-upload-pack app.git'",
    "git-upload-pack",
    "git-upload-pack ''",
    "git-upload-pack 'app.git' --exec=sh",
    "git-upload-pack --strict 'app.git'",
    "git-upload-pack 'app.git'; sh",
    "git-upload-pack 'app.git'\nsh",
    "git-upload-pack app.git;sh",
    "git-upload-pack $(sh)",
    "git-upload-archive 'app.git'",
    "git-shell 'app.git'",
    "git config 'x'",
    "scp -t /tmp",
    " git-upload-pack 'app.git'",
  ])("is nothing else: %j", (command) => {
    expect(parsePackRequest(command)).toBeUndefined();
  });
});
