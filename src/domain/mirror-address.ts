/**
 * What is wrong with a mirror's address, or null. It travels on git's command line and in the
 * history, so it holds no password; transports that run a program of the address are refused.
 */
export function problemOfAddress(url: string): string | null {
  if (/[\x00-\x20\x7f]/.test(url) || url === "" || url.startsWith("-")) return "it is no address";
  if (url.startsWith("/")) return null;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (/^[^/:@]*:[^/@]*@/.test(url)) return holdsLogin;
    return /^[\w.-]+@?[\w.-]*:(?!:)[^:]/.test(url)
      ? null
      : "it is no address that git knows, and a folder's path has to begin with /";
  }
  if (!["http", "https", "ssh", "git", "file"].includes(scheme)) {
    return `its transport ${scheme} is not among http, https, ssh, git, file`;
  }
  if (scheme !== "file" && /^[^/]*\/\/(\/|$)/.test(url)) return "it names no host";
  const login = /^[^/]*\/\/([^/@]*)@/.exec(url)?.[1];
  if (login?.includes(":") === true || (login !== undefined && scheme.startsWith("http"))) {
    return holdsLogin;
  }
  if (scheme.startsWith("http") && /[?#]/.test(url)) return "git takes no query in an address";
  return null;
}

const holdsLogin = "it holds a login; set the token apart from it";
