import type { LocalForges, MirrorWish } from "../cli/services.ts";
import { LandError } from "../domain/errors.ts";
import type { ForgeMirror } from "../forges/forge-mirror.ts";
import { mirrorShape } from "../local/mirror-settings.ts";
import { forgeRemote } from "../local/repository-settings.ts";
import type { ForgeSettings } from "../local/settings.ts";
import type { AgentHalf } from "./agent-half.ts";
import { localForgeOf } from "./local-forge-of.ts";

type ChangeSettings = (
  path: string | undefined,
  settings: (before: ForgeSettings) => ForgeSettings,
) => Promise<unknown>;

/** The command line's hold on the local forge's mirror. */
export function localMirror(agent: AgentHalf, change: ChangeSettings): LocalForges["mirror"] {
  const mirrorAt = async (path: string | undefined, signal: AbortSignal): Promise<ForgeMirror> => {
    const known = await localForgeOf(agent.environment, path);
    const forge = { kind: "local", remote: forgeRemote, ...known } as const;
    const { mirror } = await agent.connections.open(forge, "owner", signal);
    if (mirror !== undefined) return mirror;
    throw new LandError("unsupported", "This forge knows no mirror.", {
      state: "Nothing was changed.",
    });
  };
  return {
    status: async (path, signal) => (await mirrorAt(path, signal)).status(signal),
    async sync(path, signal) {
      const mirror = await mirrorAt(path, signal);
      if ((await mirror.status(signal)).remote === undefined) throw noMirror();
      await mirror.sync(signal);
      return mirror.status(signal);
    },
    async set(path, wish) {
      const { tokenFile } = wish ?? {};
      const where = tokenFile === undefined ? {} : { tokenFile: agent.pathOf(tokenFile) };
      const whole = wish === undefined ? undefined : { ...wish, ...where };
      await change(path, (before) => ({ ...before, mirror: mirrorOf(whole, before.mirror) }));
    },
  };
}

/** A token was meant for one address: another one starts without it. Another place replaces it. */
function mirrorOf(wish: MirrorWish | undefined, before: ForgeSettings["mirror"]) {
  if (wish === undefined) return null;
  const kept = before?.url === wish.url ? before : null;
  if (wish.tokenEnv !== undefined && wish.tokenFile !== undefined) throw twoTokens();
  const elsewhere = wish.tokenEnv !== undefined || wish.tokenFile !== undefined;
  const read = mirrorShape.safeParse({
    ...kept,
    url: wish.url,
    ...(wish.interval === undefined ? {} : { intervalSeconds: wish.interval }),
    ...(wish.timeout === undefined ? {} : { timeoutSeconds: wish.timeout }),
    ...(wish.import === undefined ? {} : { import: wish.import }),
    ...(elsewhere
      ? { token: null, tokenEnv: wish.tokenEnv ?? null, tokenFile: wish.tokenFile ?? null }
      : {}),
  });
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new LandError(
    "bad_argument",
    `That mirror is not possible (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}).`,
    { state: "Nothing was changed.", next: "See `land mirror set --help`." },
  );
}

function noMirror(): LandError {
  return new LandError("not_found", "The forge has no mirror.", {
    state: "Nothing was pushed.",
    next: "`land mirror set URL` names one.",
  });
}

function twoTokens(): LandError {
  return new LandError("bad_argument", "The token is in a file or in a variable, not in both.", {
    state: "Nothing was changed.",
    next: "Give --token-file or --token-env.",
  });
}
