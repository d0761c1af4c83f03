import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { hostingShape, hostToListenOn } from "../../../src/local/hosting-settings.ts";
import { layoutOf } from "../../../src/local/layout.ts";
import { settingsShape } from "../../../src/local/settings.ts";

const shape = z.object(hostingShape);
const layout = layoutOf("/srv/forge");

describe("the settings of a forge on a server", () => {
  test("are loopback alone where nothing is said", () => {
    const settings = shape.parse({});
    expect(settings).toEqual({ listen: "127.0.0.1", canonicalUrl: null, retiredHosts: [] });
    expect(hostToListenOn(layout, settings)).toBe("127.0.0.1");
  });

  test("keep an address without its last slash, and names in small letters", () => {
    const given = {
      canonicalUrl: "HTTPS://Forge.Example.org:443/",
      retiredHosts: ["OLD.example.org"],
    };
    expect(shape.parse(given)).toMatchObject({
      canonicalUrl: "https://forge.example.org",
      retiredHosts: ["old.example.org"],
    });
  });

  test.each([
    { canonicalUrl: "forge.example.org" },
    { canonicalUrl: "ssh://forge.example.org" },
    { canonicalUrl: "https://forge.example.org/git" },
    { canonicalUrl: "https://me:secret@forge.example.org" },
    { canonicalUrl: "https://forge.example.org/?a=1" },
    { retiredHosts: ["https://old.example.org"] },
    { retiredHosts: ["old.example.org:80"] },
    { retiredHosts: [""] },
    { listen: "10.0.0.5" },
  ])("refuse %j", (given) => {
    expect(shape.safeParse(given).success).toBe(false);
  });

  test.each([
    [{ listen: "0.0.0.0" }, "no `canonicalUrl`"],
    [{ listen: "::" }, "no `canonicalUrl`"],
    [{ retiredHosts: ["old.example.org"] }, "no `canonicalUrl`"],
    [
      { canonicalUrl: "https://forge.example.org", retiredHosts: ["forge.example.org"] },
      "is among the `retiredHosts`",
    ],
    [{ canonicalUrl: "https://forge.example.org", retiredHosts: ["localhost"] }, "own loopback"],
    [{ canonicalUrl: "https://forge.example.org", retiredHosts: ["127.0.0.1"] }, "own loopback"],
  ])("do not go together: %j", (given, words) => {
    expect(() => hostToListenOn(layout, shape.parse(given))).toThrow(words);
  });

  test("open every address to a forge that knows its name", () => {
    const settings = shape.parse({ listen: "0.0.0.0", canonicalUrl: "https://forge.example.org" });
    expect(hostToListenOn(layout, settings)).toBe("0.0.0.0");
  });
});

test("every key of forge.json is told to whoever hosts one", () => {
  const told = readFileSync("docs/hosting.md", "utf8");
  const keys = Object.keys(settingsShape.shape).filter((key) => key !== "version");
  expect(keys.filter((key) => !told.includes(`\`${key}\``))).toEqual([]);
});
