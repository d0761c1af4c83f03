import { logoutAnswer } from "../contract/auth.ts";
import { paths } from "../contract/paths.ts";
import {
  belongsTo,
  normalBaseUrl,
  removeSession,
  type Session,
  writeSession,
} from "../identity/sessions.ts";
import type { Signer } from "../identity/signer.ts";
import { hostedSessionFile, hostedSessions } from "./hosted-sessions.ts";
import { ForgeHttp } from "./http.ts";
import { detectFlavour } from "./prefix.ts";
import { logIn } from "./session.ts";

/** Logs in at a hosted forge and stores the session; from then on its repositories belong to it. */
export async function logInHosted(request: {
  baseUrl: string;
  signer: Signer;
  stateHome: string;
  signal?: AbortSignal | undefined;
}): Promise<Session> {
  const baseUrl = normalBaseUrl(request.baseUrl);
  const http = new ForgeHttp({ baseUrl });
  const { prefix } = await detectFlavour(http, request.signal);
  const session = await logIn(http, prefix, request.signer);
  await writeSession(hostedSessionFile(request.stateHome, baseUrl), session);
  return session;
}

/**
 * Forgets the sessions with a forge, and ends the token where the forge can do that. Answers
 * whether there was one. The forge not answering is no reason to keep the file.
 */
export async function logOutHosted(request: {
  baseUrl: string;
  stateHome: string;
  signal?: AbortSignal | undefined;
}): Promise<boolean> {
  const baseUrl = normalBaseUrl(request.baseUrl);
  const stored = await hostedSessions(request.stateHome);
  let any = false;
  for (const { file, session } of stored) {
    if (!belongsTo(session, baseUrl)) continue;
    await endToken(baseUrl, session, request.signal).catch(() => {});
    any = (await removeSession(file)) || any;
  }
  return any;
}

async function endToken(
  baseUrl: string,
  session: Session,
  signal: AbortSignal | undefined,
): Promise<void> {
  const http = new ForgeHttp({ baseUrl });
  const { prefix, about } = await detectFlavour(http, signal);
  if (about === undefined) return;
  await http.call(
    {
      method: "POST",
      path: `${prefix}${paths.logout()}`,
      answer: logoutAnswer,
      token: { value: session.token, baseUrl },
    },
    signal,
  );
}
