import { describe, expect, it } from "vitest";
import { activeKeysText, parseActiveKeys } from "../../../src/domain/active-keys.ts";

const npub = (letter: string) => `npub1${letter.repeat(58)}`;

describe("the list of active keys", () => {
  it("is read as it was written, the same for the same keys", () => {
    const text = activeKeysText([npub("c"), npub("a"), npub("c")]);
    expect(text).toBe(`${npub("a")}\n${npub("c")}\n`);
    expect(text).toBe(activeKeysText([npub("a"), npub("c")]));
    expect(parseActiveKeys(text)).toEqual(new Set([npub("a"), npub("c")]));
  });

  it("marks who may fetch and not push, and counts them in", () => {
    const text = activeKeysText([npub("b")], [npub("a"), "*"]);
    expect(text).toBe(`${npub("a")} read\n${npub("b")}\n`);
    expect(parseActiveKeys(text)).toEqual(new Set([npub("a"), npub("b")]));
  });

  it.each([
    "",
    "\n",
    "npub1short\n",
    `${npub("a")} x\n`,
    `${npub("a")}read\n`,
    " read\n",
    `x${npub("a")}`,
    "nsec1\n*\n",
  ])("lets nobody in by %j", (text) => {
    expect(parseActiveKeys(text)).toEqual(new Set());
  });

  it("takes nothing in that is no npub", () => {
    expect(activeKeysText(["", "*", `${npub("a")}\n${npub("b")}`])).toBe("");
  });
});
