import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Where a remote's URL leads. User, password and query are left out. */
export type RemoteAddress =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "host"; readonly host: string; readonly path: string };

/** Reads a remote's URL in any of git's spellings; a relative path counts from `baseDir`. Pure. */
export function remoteAddress(url: string, baseDir: string): RemoteAddress | undefined {
  const text = url.trim();
  if (text === "") return undefined;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return fromUrl(text);
  const scp = /^(?:[^@/\s]+@)?(\[[^\]]+\]|[^:/\s]+):(?!\/\/)(.+)$/.exec(text);
  if (scp?.[1] !== undefined && scp[2] !== undefined && !isAbsolute(text)) {
    return onHost(scp[1], scp[2]);
  }
  return { kind: "path", path: resolve(baseDir, text) };
}

/** One spelling of where a remote leads, to compare by: `host/owner/name` or a path. */
export function addressKey(address: RemoteAddress): string {
  return address.kind === "path" ? address.path : `${address.host}/${address.path}`;
}

function fromUrl(text: string): RemoteAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol === "file:") {
    try {
      return { kind: "path", path: fileURLToPath(url) };
    } catch {
      return undefined;
    }
  }
  return onHost(url.hostname, decoded(url.pathname));
}

function onHost(host: string, path: string): RemoteAddress {
  const bare = path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
  return { kind: "host", host: host.toLowerCase(), path: bare };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
