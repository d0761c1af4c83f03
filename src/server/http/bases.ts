import type { ServerConfig } from "../config.ts";

const loopbackNames = ["127.0.0.1", "localhost", "[::1]"];

/** Whether nobody but this machine can reach a server bound to `host`. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|::1|\[::1\])$/.test(host);
}

/** Whether a server bound to `host` answers at every address of this machine, loopback too. */
function isEverywhere(host: string): boolean {
  return host === "0.0.0.0" || /^\[?::\]?$/.test(host);
}

/** The URLs this forge is reached at, the plainest first, without a trailing slash. */
export function basesOf(config: ServerConfig, port: number): readonly string[] {
  const own = config.host.includes(":") ? `[${config.host.replace(/[[\]]/g, "")}]` : config.host;
  const names = isLoopback(config.host) || isEverywhere(config.host) ? loopbackNames : [];
  const bases = [...new Set([own, ...names])].map((name) => `http://${name}:${port}`);
  const canonical = config.canonicalUrl?.replace(/\/+$/, "");
  return canonical === undefined ? bases : [canonical, ...bases];
}

/**
 * The URLs that a login may be signed for which came under this `Host`. What came by the canonical
 * name is for that alone: every machine has a loopback, with who knows what listening there.
 */
export function loginBasesOf(
  { canonicalUrl }: ServerConfig,
  { bases, host }: { readonly bases: readonly string[]; readonly host: string },
): readonly string[] {
  const isLocal = canonicalUrl === null || isLoopback(host.toLowerCase().replace(/:\d+$/, ""));
  return isLocal ? bases : bases.slice(0, 1);
}

/**
 * What the `Host` header may say; undefined = anything, where the forge is not on loopback and
 * nobody said what it is called.
 */
export function hostsOf(config: ServerConfig, port: number): ReadonlySet<string> | undefined {
  if (!isLoopback(config.host) && config.canonicalUrl === null) return undefined;
  const hosts = new Set<string>();
  for (const base of basesOf(config, port)) {
    if (!URL.canParse(base)) continue;
    const url = new URL(base);
    hosts.add(url.host);
    // Clients may spell out a scheme's own port.
    if (url.port === "") hosts.add(`${url.host}:${url.protocol === "https:" ? 443 : 80}`);
  }
  return hosts;
}
