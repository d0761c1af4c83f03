import type { Logins } from "../cli/services.ts";
import { LandError } from "../domain/errors.ts";
import { type Belonging, findBelonging } from "../forges/belonging.ts";
import { logInHosted, logOutHosted } from "../forges/hosted-login.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import { parseSecretKey } from "../identity/keys.ts";
import { removeSession } from "../identity/sessions.ts";
import { type Signer, signerOf, signerOfFile } from "../identity/signer.ts";
import { sessionFile } from "../local/layout.ts";
import type { AgentHalf } from "./agent-half.ts";

/** Logins at hosted forges with a key that is given, and at the local one with its own. */
export function loginsOf({ environment, connections, pathOf }: AgentHalf): Logins {
  const { env, stateHome } = environment;
  const belongingOf = async (path: string | undefined) => {
    const copy = await openWorkingCopy(pathOf(path), env);
    const git = new Git({ dir: copy.path, env });
    return findBelonging({ git, stateHome, baseUrl: environment.baseUrl });
  };
  const addressOf = async (
    baseUrl: string | undefined,
    path: string | undefined,
  ): Promise<{ baseUrl: string } | Belonging> => {
    const named = baseUrl ?? environment.baseUrl;
    return named === undefined ? belongingOf(path) : { baseUrl: named };
  };

  return {
    async login(request, secret, signal) {
      const where = await addressOf(request.baseUrl, request.path);
      if ("kind" in where && where.kind === "local") {
        const { layout } = where;
        await removeSession(sessionFile(layout, "agent"));
        const forge = await connections.open(where, "agent", signal);
        return { forge: forge.name, ...(await forge.identity(signal)) };
      }
      const { baseUrl } = where;
      const signer = await signerFrom(request.nsecFile, secret);
      const session = await logInHosted({ baseUrl, signer, stateHome, signal });
      return {
        forge: session.base_url,
        npub: session.npub,
        admin: session.is_admin,
        canLand: session.can_forge_write,
      };
    },
    async logout(request) {
      const where = await addressOf(request.baseUrl, request.path);
      if ("kind" in where && where.kind === "local") {
        const files = [sessionFile(where.layout, "agent"), sessionFile(where.layout, "owner")];
        const removed = await Promise.all(files.map((file) => removeSession(file)));
        return removed.includes(true) ? ["local"] : [];
      }
      const { baseUrl } = where;
      return (await logOutHosted({ baseUrl, stateHome })) ? [baseUrl] : [];
    },
  };
}

async function signerFrom(
  nsecFile: string | undefined,
  secret: () => Promise<string | undefined>,
): Promise<Signer> {
  if (nsecFile !== undefined) return signerOfFile(nsecFile);
  const given = await secret();
  if (given !== undefined) return signerOf(parseSecretKey(given));
  throw new LandError("bad_argument", "There is no key to log in with.", {
    state: "Nothing was sent.",
    next: "Give it on standard input or name its file: `land login --nsec-file FILE`.",
  });
}
