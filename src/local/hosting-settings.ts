import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import type { ForgeLayout } from "./local-forge.ts";

const hostName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** By these `land` reaches its forge on the same machine. */
const ownNames = ["127.0.0.1", "localhost"];

/** The part of `forge.json` for a forge on a server. Loopback alone needs none of it. */
export const hostingShape = {
  /** Where the forge listens: loopback, or every address of the machine. */
  listen: z.enum(["127.0.0.1", "0.0.0.0", "::"]).default("127.0.0.1"),
  /** The address people and agents use, such as `https://forge.example.org`; no path. */
  canonicalUrl: z
    .string()
    .refine(isAddress, "must be http:// or https:// and a host, without a path")
    .transform((url) => new URL(url).origin)
    .nullable()
    .default(null),
  /** Host names that were once this forge's; each answers 410 and where it moved. */
  retiredHosts: z
    .array(z.string().toLowerCase().regex(hostName, "must be host names, without port or path"))
    .default([]),
};

interface HostingSettings {
  readonly listen: string;
  readonly canonicalUrl: string | null;
  readonly retiredHosts: readonly string[];
}

/**
 * The address to listen on. Throws `no_forge` where the settings do not go together: whoever is
 * reached by others must know its own name, or a login for another forge would count here.
 */
export function hostToListenOn(layout: ForgeLayout, settings: HostingSettings): string {
  const { listen, canonicalUrl, retiredHosts } = settings;
  if (canonicalUrl === null && listen !== "127.0.0.1") {
    throw unfit(layout, `\`listen\` is ${listen}, and there is no \`canonicalUrl\``);
  }
  if (canonicalUrl === null && retiredHosts.length > 0) {
    throw unfit(layout, "there are `retiredHosts`, and no `canonicalUrl` to send them to");
  }
  if (canonicalUrl !== null && retiredHosts.includes(new URL(canonicalUrl).hostname)) {
    throw unfit(layout, "the host of `canonicalUrl` is among the `retiredHosts`");
  }
  if (retiredHosts.some((name) => ownNames.includes(name))) {
    throw unfit(layout, "this machine's own loopback is among the `retiredHosts`");
  }
  return listen;
}

function unfit(layout: ForgeLayout, why: string): LandError {
  return new LandError("no_forge", `${layout.settingsFile} is not usable: ${why}.`, {
    state: "Nothing is served.",
    next: "Set `canonicalUrl` to the address that people use (docs/hosting.md), or take the others out.",
  });
}

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(text);
  const bare = pathname === "/" && `${search}${hash}${username}${password}` === "";
  return bare && (protocol === "https:" || protocol === "http:");
}
