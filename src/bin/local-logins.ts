import type { Consent, LoginFacts } from "../cli/services.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import type { Belonging } from "../forges/belonging.ts";
import type { Forge } from "../forges/forge.ts";
import { endToken } from "../forges/hosted-login.ts";
import { readSession, removeSession } from "../identity/sessions.ts";
import { type KeyKind, sessionFile } from "../local/layout.ts";
import {
  agentOf,
  agentVariable,
  ensureAgentKey,
  keyOfAgent,
  namedKey,
  setAgentOf,
  unsetAgentOf,
} from "../local/named-agents.ts";
import { lookForForge } from "../local/process.ts";
import type { AgentHalf } from "./agent-half.ts";

type LocalForge = Extract<Belonging, { kind: "local" }>;

/** A work tree and its local forge. */
export interface LocalPlace {
  readonly agent: AgentHalf;
  readonly forge: LocalForge;
  /** The work tree's own git dir. */
  readonly gitDir: string;
}

/** A fresh session with the key that this work tree has already. */
export async function logInHere(place: LocalPlace, signal: AbortSignal): Promise<LoginFacts> {
  const { agent, forge, gitDir } = place;
  const name = await agentOf(gitDir, agent.environment.agent);
  const key = await keyOfAgent(forge.layout, name);
  await removeSession(sessionFile(forge.layout, key));
  const open = await agent.connections.open(forge, key, signal);
  return { ...(await factsOf(open, signal)), as: name, notes: [] };
}

/**
 * Gives this work tree an agent's own key, made where there is none. The owner's key lets it in, but
 * only after a person agreed; until then nothing changes here but that the key is there.
 */
export async function logInAs(
  place: LocalPlace,
  name: string,
  confirm: Consent,
  signal: AbortSignal,
): Promise<LoginFacts> {
  const { agent, forge, gitDir } = place;
  const key = namedKey(name);
  const npub = await ensureAgentKey(forge.layout, name);
  const open = await agent.connections.open(forge, key, signal);
  if (!(await isLetIn(open, signal))) {
    const agreed = await askOwner(forge, name, npub, confirm);
    if (agreed !== "agreed") return notYet(open, name, npub, agreed);
    await letIn(place, name, npub, signal);
  }
  const facts = await factsOf(open, signal);
  await setAgentOf(gitDir, name);
  const other = agent.environment.agent;
  const notes =
    other === undefined || other === name
      ? []
      : [`${agentVariable} names another agent, ${other}, and comes first in this session.`];
  return { ...facts, as: name, notes };
}

/** Ends the sessions of this work tree; one that spoke as a named agent goes back to the shared one. */
export async function logOutHere(place: LocalPlace, signal: AbortSignal): Promise<boolean> {
  const { agent, forge, gitDir } = place;
  const name = await agentOf(gitDir, agent.environment.agent);
  const keys: readonly KeyKind[] = name === undefined ? ["agent", "owner"] : [namedKey(name)];
  const removed = await Promise.all(keys.map((key) => endSession(forge, key, signal)));
  const spokeAsAnother = await unsetAgentOf(gitDir);
  return spokeAsAnother || removed.includes(true);
}

async function endSession(
  { layout }: LocalForge,
  key: KeyKind,
  signal: AbortSignal,
): Promise<boolean> {
  const file = sessionFile(layout, key);
  const session = await readSession(file).catch(() => undefined);
  if (session !== undefined) {
    // A forge that does not run is not started for this: with its file gone nobody has the token.
    const sight = await lookForForge(layout, signal);
    if (sight.state === "serving" && sight.origin === session.base_url) {
      await endToken(sight.origin, session.token, signal).catch(() => {});
    }
  }
  return removeSession(file);
}

/** A key that never was let in cannot log in; one that was taken out may still have a login. */
async function isLetIn(forge: Forge, signal: AbortSignal): Promise<boolean> {
  try {
    return (await forge.identity(signal)).canRead !== false;
  } catch (error) {
    if (isLandError(error, "unauthorized")) return false;
    throw error;
  }
}

async function askOwner(
  { settings }: LocalForge,
  name: string,
  npub: string,
  confirm: Consent,
): Promise<Awaited<ReturnType<Consent>>> {
  return confirm({
    message: [
      `The agent ${name} (${npub}) asks to land on ${settings.target} of this repository's forge with a key of its own.`,
      `This is recorded. To let it in, type its name: ${name}`,
    ].join("\n"),
    expected: name,
  });
}

async function letIn(
  { agent, forge }: LocalPlace,
  name: string,
  npub: string,
  signal: AbortSignal,
): Promise<void> {
  const owner = await agent.connections.open(forge, "owner", signal);
  if (owner.access === undefined) {
    throw new LandError("unsupported", "This forge knows no agents by name.", {
      state: "Nothing was changed.",
      next: "Go on with the shared agent's key.",
    });
  }
  await owner.access.approve({ npub, name, kind: "agent", canLand: true }, signal);
}

function notYet(
  forge: Forge,
  name: string,
  npub: string,
  answer: "declined" | "no_way",
): LoginFacts {
  const why = answer === "declined" ? "The owner did not agree" : "Nobody can be asked here";
  return {
    forge: forge.name,
    npub,
    admin: false,
    canLand: false,
    as: name,
    approval: "needed",
    notes: [
      `${why}, so ${name} is not let in yet; this work tree goes on as before.`,
      `The owner runs \`land members approve ${name}\` at a terminal; then \`land login --as ${name}\` here takes effect.`,
    ],
  };
}

async function factsOf(forge: Forge, signal: AbortSignal) {
  const { npub, admin, canLand, canRead } = await forge.identity(signal);
  return { forge: forge.name, npub, admin, canLand, canRead };
}
