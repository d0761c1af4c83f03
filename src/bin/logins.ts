import { resolve } from "node:path";
import type { LoginFacts, LoginPlace, LoginRequest, Logins, Person } from "../cli/services.ts";
import { LandError } from "../domain/errors.ts";
import { type Belonging, findBelonging } from "../forges/belonging.ts";
import {
  forgetSigner,
  type HostedPlace,
  hasSignerConnection,
  logInHosted,
  logInHostedRemotely,
  logOutHosted,
} from "../forges/hosted-login.ts";
import { sessionFileIn } from "../forges/hosted-sessions.ts";
import { Git } from "../git/git.ts";
import { openWorkingCopy } from "../git/open-working-copy.ts";
import { signerOf } from "../identity/signer.ts";
import type { AgentHalf } from "./agent-half.ts";
import { noteOnKeyFile, readAnyKey, readGivenKey, type SigningKey } from "./key-source.ts";
import { type LocalPlace, logInAs, logInHere, logOutHere } from "./local-logins.ts";

/** Logins at hosted forges with a key or a signer that is given, and at the local one with its own. */
export function loginsOf(agent: AgentHalf): Logins {
  const { environment, pathOf } = agent;
  const { env, stateHome } = environment;

  /** The forge that is named, else the one that the work tree belongs to. */
  const forgeOf = async (
    request: LoginPlace,
    usualBaseUrl: string | undefined,
  ): Promise<{ local: LocalPlace } | { hosted: HostedPlace }> => {
    const { referenceStateDir: dir } = request;
    const referenceFile =
      dir === undefined ? undefined : sessionFileIn(resolve(environment.cwd, dir));
    const hosted = (baseUrl: string) => ({ hosted: { baseUrl, stateHome, referenceFile } });
    const named = request.baseUrl ?? usualBaseUrl;
    if (named !== undefined) return hosted(named);
    const copy = await openWorkingCopy(pathOf(request.path), env);
    const git = new Git({ dir: copy.path, env });
    const forge: Belonging = await findBelonging({ git, stateHome, referenceFile });
    return forge.kind === "local"
      ? { local: { agent, forge, gitDir: copy.gitDir } }
      : hosted(forge.baseUrl);
  };

  /** Undefined: the remote signer that an earlier login was made with. */
  const keyFor = async (
    place: HostedPlace,
    request: LoginRequest,
    person: Person,
  ): Promise<SigningKey | undefined> => {
    if (request.key !== undefined) return readGivenKey(environment.cwd, request.key);
    if (environment.nsec !== undefined) return readAnyKey(environment.nsec);
    if (await hasSignerConnection(place)) return undefined;
    const said = await person.secret();
    if (said === undefined) throw noKey();
    return readAnyKey(said);
  };

  return {
    async login(request, person, signal) {
      // A name means the local forge, whatever hosted one the environment names.
      const usual = request.as === undefined ? environment.baseUrl : undefined;
      const where = await forgeOf(request, usual);
      if ("local" in where) {
        refuseKeyFor(request);
        return request.as === undefined
          ? logInHere(where.local, signal)
          : logInAs(where.local, request.as, person.confirm, signal);
      }
      if (request.as !== undefined) throw namesAreLocal();
      const place = { ...where.hosted, signal };
      const key = await keyFor(place, request, person);
      const note = await noteOnKeyFile(environment.cwd, request.key);
      const { share } = request;
      const login =
        key !== undefined && "secret" in key
          ? await logInHosted({ ...place, share, signer: signerOf(key.secret) })
          : await logInHostedRemotely({
              ...place,
              share,
              bunker: key?.bunker,
              onPage: (url) => person.say(`The remote signer asks you to open ${url}`),
            });
      if (key !== undefined && "secret" in key) await forgetSigner(place);
      const { session, notes } = login;
      return {
        forge: session.base_url,
        npub: session.npub,
        admin: session.is_admin,
        canLand: session.can_forge_write,
        notes: note === undefined ? notes : [note, ...notes],
      } satisfies LoginFacts;
    },
    async logout(request, signal) {
      const where = await forgeOf(request, environment.baseUrl);
      if ("local" in where) return (await logOutHere(where.local, signal)) ? ["local"] : [];
      const place = { ...where.hosted, signal };
      return (await logOutHosted(place)) ? [place.baseUrl] : [];
    },
  };
}

/** The local forge's keys are made by it. */
function refuseKeyFor({ key, as }: LoginRequest): void {
  if (key === undefined) return;
  throw new LandError("bad_argument", "The local forge makes its own keys; none is to be given.", {
    state: "Nothing was changed.",
    next: `Run \`land login${as === undefined ? "" : ` --as ${as}`}\` without a key, or name a hosted forge with \`--base-url URL\`.`,
  });
}

function namesAreLocal(): LandError {
  return new LandError("bad_argument", "`--as` makes a key for the local forge alone.", {
    state: "Nothing was sent.",
    next: "At a hosted forge each agent logs in with its own key; its admin lets that key in.",
  });
}

function noKey(): LandError {
  return new LandError("bad_argument", "There is no key to log in with.", {
    state: "Nothing was sent.",
    next: "Give it on standard input, in LAND_NSEC, or name its file: `land login --nsec-file FILE`. With a remote signer: `land login --bunker -`.",
  });
}
