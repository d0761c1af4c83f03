import { drainAnswer } from "../contract/forge.ts";
import { paths, prefixes } from "../contract/paths.ts";
import { LandError } from "../domain/errors.ts";
import { signerOfFile } from "../identity/signer.ts";
import type { KnownForge } from "../local/find-forge.ts";
import { type KeyKind, keyFile, nameOfKey, sessionFile } from "../local/layout.ts";
import { ensureRunning, type RunningForge } from "../local/process.ts";
import type { Launcher } from "../local/start.ts";
import type { Belonging } from "./belonging.ts";
import type { Forge } from "./forge.ts";
import { ForgeHttp } from "./http.ts";
import { connectPika } from "./pika.ts";
import { ForgeSession } from "./session.ts";
import { withSignal } from "./with-signal.ts";

/** What it takes to have a local forge running. */
export interface OpenOptions {
  readonly launcher: Launcher;
  /** Our own version. */
  readonly version: string;
  /** The environment of a forge's process that is started. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long a hosted forge that cannot be reached is tried. Default: the connector's own. */
  readonly patienceMs?: number | undefined;
}

/**
 * The forges that this process talks to, each opened once: so that one login, one event stream
 * and one start serve however many ask.
 */
export class Connections {
  readonly #options: OpenOptions;
  readonly #open = new Map<string, Forge>();
  /** Where each local forge was last found; it may move when it starts anew. */
  readonly #origins = new Map<string, string>();
  readonly #starting = new Map<string, Promise<RunningForge>>();

  constructor(options: OpenOptions) {
    this.#options = options;
  }

  /** The forge of a repository with one of its keys; a local one that does not run is started. */
  async open(belonging: Belonging, as: KeyKind, signal?: AbortSignal): Promise<Forge> {
    const key = `${as} ${placeOf(belonging)}`;
    const known = this.#open.get(key);
    if (known !== undefined) {
      if (belonging.kind === "local") await this.running(belonging, signal);
      return known;
    }
    const forge =
      belonging.kind === "local"
        ? await this.#openLocal(belonging, as, signal)
        : openHosted(belonging, as, this.#options.patienceMs);
    const first = this.#open.get(key) ?? forge;
    this.#open.set(key, first);
    return first;
  }

  /** Makes sure that a local forge runs. Calls at the same time share one start. */
  running(known: KnownForge, signal?: AbortSignal): Promise<RunningForge> {
    const { stateDir } = known.layout;
    let starting = this.#starting.get(stateDir);
    if (starting === undefined) {
      starting = ensureRunning({
        ...this.#options,
        layout: known.layout,
        drain: (origin) => drain(known, origin),
      })
        .then((running) => {
          this.#origins.set(stateDir, running.origin);
          return running;
        })
        .finally(() => this.#starting.delete(stateDir));
      this.#starting.set(stateDir, starting);
    }
    return withSignal(starting, signal);
  }

  async #openLocal(known: KnownForge, as: KeyKind, signal?: AbortSignal): Promise<Forge> {
    await this.running(known, signal);
    return connectPika({
      name: "local",
      baseUrl: () => this.#origins.get(known.layout.stateDir) ?? "",
      signer: signerOfFile(keyFile(known.layout, as)),
      sessionFile: sessionFile(known.layout, as),
      whenRefused: whenRefused(as),
      revive: async (reviveSignal) => {
        await this.running(known, reviveSignal);
      },
    });
  }
}

/**
 * A local forge where it was seen to run, with one of its keys. It is never started for this, and
 * one that does not answer is not tried again.
 */
export function seenRunning({ layout }: KnownForge, origin: string, as: KeyKind): Forge {
  return connectPika({
    name: "local",
    baseUrl: origin,
    signer: signerOfFile(keyFile(layout, as)),
    sessionFile: sessionFile(layout, as),
    patienceMs: 0,
  });
}

/**
 * What tells forges apart. A hosted one is opened anew when a login or its target becomes known, so
 * that a process that lives long needs no restart after `land login`.
 */
function placeOf(belonging: Belonging): string {
  if (belonging.kind === "local") return belonging.layout.stateDir;
  const { baseUrl, target, sessionFile: file } = belonging;
  return [baseUrl, target, file].join("\n");
}

/** A named agent's key counts only once the owner let it in, and until the owner takes it out. */
function whenRefused(as: KeyKind): string | undefined {
  const name = nameOfKey(as);
  if (name === undefined) return undefined;
  return `The owner lets this agent in at a terminal: \`land members approve ${name}\`. Until then \`land logout\` goes back to the shared agent's key.`;
}

/** Asks a running local forge to finish its lanes and stop. */
async function drain(known: KnownForge, origin: string, signal?: AbortSignal): Promise<void> {
  // Which prefix and protocol is not asked: an older forge is to be drained too.
  const prefix = prefixes[0];
  const session = new ForgeSession(new ForgeHttp({ baseUrl: origin }), async () => prefix, {
    signer: signerOfFile(keyFile(known.layout, "agent")),
    sessionFile: sessionFile(known.layout, "agent"),
  });
  const path = prefix + paths.drain();
  await session.call(
    { method: "POST", path, answer: drainAnswer, repeatable: true, deadlineMs: 10_000 },
    signal,
  );
}

function openHosted(
  belonging: Extract<Belonging, { kind: "hosted" }>,
  as: KeyKind,
  patienceMs: number | undefined,
): Forge {
  if (as === "owner" && belonging.sessionFile === undefined) {
    throw new LandError("forbidden", "The owner's key of a hosted forge is not here.", {
      state: "Nothing was changed.",
      next: "Log in with it: `land login`.",
    });
  }
  return connectPika({
    name: new URL(belonging.baseUrl).host,
    baseUrl: belonging.baseUrl,
    target: belonging.target,
    sessionFile: belonging.sessionFile,
    patienceMs,
  });
}
