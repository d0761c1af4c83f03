import { challengeAnswer } from "../contract/auth.ts";
import { type AboutAnswer, aboutAnswer, protocolVersion } from "../contract/forge.ts";
import { type Prefix, paths, prefixes } from "../contract/paths.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import type { ForgeHttp } from "./http.ts";

/** What answers at an address: the prefix of its routes, and what it says of itself. */
export interface Flavour {
  readonly prefix: Prefix;
  /** Absent at the reference forge, which has none of the added endpoints. */
  readonly about: AboutAnswer | undefined;
}

const probeDeadlineMs = 10_000;

/**
 * Finds out by asking which forge is at an address. Throws `unsupported` where there is none, and
 * the fault where what is there has one and so may well be a forge.
 */
export async function detectFlavour(http: ForgeHttp, signal?: AbortSignal): Promise<Flavour> {
  const probe: Probe = { http, signal, fault: undefined };
  const first = await askAbout(probe, prefixes[0]);
  if (first !== undefined) return { prefix: prefixes[0], about: fitting(first) };
  for (const prefix of prefixes) {
    if (await givesChallenges(probe, prefix)) {
      const about = prefix === prefixes[0] ? undefined : await askAbout(probe, prefix);
      return { prefix, about: about === undefined ? undefined : fitting(about) };
    }
  }
  if (probe.fault !== undefined) throw probe.fault;
  throw new LandError("unsupported", `No forge that this kit knows answers at ${http.baseUrl}.`, {
    state: "Nothing was changed.",
    next: "Check the address; it is the forge's own, without /git or /news at its end.",
  });
}

interface Probe {
  readonly http: ForgeHttp;
  readonly signal: AbortSignal | undefined;
  /** The first answer that tells of a fault of whoever gave it. */
  fault: LandError | undefined;
}

async function askAbout(probe: Probe, prefix: Prefix): Promise<AboutAnswer | undefined> {
  try {
    return await probe.http.call(
      {
        method: "GET",
        path: `${prefix}${paths.about()}`,
        answer: aboutAnswer,
        deadlineMs: probeDeadlineMs,
      },
      probe.signal,
    );
  } catch (error) {
    if (isNoForgeHere(probe, error)) return undefined;
    throw error;
  }
}

/** The right prefix answers with a challenge, or says in JSON that nobody may log in. */
async function givesChallenges(probe: Probe, prefix: Prefix): Promise<boolean> {
  try {
    await probe.http.call(
      {
        method: "POST",
        path: `${prefix}${paths.challenge()}`,
        answer: challengeAnswer,
        repeatable: true,
        deadlineMs: probeDeadlineMs,
      },
      probe.signal,
    );
    return true;
  } catch (error) {
    if (isLandError(error, "forbidden")) return true;
    if (isNoForgeHere(probe, error)) return false;
    throw error;
  }
}

/** Whether an error says that something else lives at that path, rather than that nobody answers. */
function isNoForgeHere(probe: Probe, error: unknown): boolean {
  if (!isLandError(error) || isRedirect(error.facts.status)) return false;
  const { status } = error.facts;
  // A retired host says where its forge went.
  if (status === 410) return false;
  if (typeof status === "number" && status >= 500) probe.fault ??= error;
  return ["not_found", "forge_error", "unauthorized", "forbidden"].includes(error.code);
}

function isRedirect(status: unknown): boolean {
  return typeof status === "number" && status >= 300 && status < 400;
}

function fitting(about: AboutAnswer): AboutAnswer {
  if (about.protocol === protocolVersion) return about;
  const older = about.protocol < protocolVersion;
  throw new LandError(
    "unsupported",
    `The forge speaks protocol ${about.protocol}, this kit ${protocolVersion}.`,
    {
      state: "Nothing was changed.",
      next: older
        ? "Update the forge; a local one restarts in its new version after `land stop`."
        : "Update forge-landing-kit here.",
    },
  );
}
