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

/** Finds out by asking which forge is at an address. Throws `unsupported` where there is none. */
export async function detectFlavour(http: ForgeHttp, signal?: AbortSignal): Promise<Flavour> {
  const first = await askAbout(http, prefixes[0], signal);
  if (first !== undefined) return { prefix: prefixes[0], about: fitting(first) };
  for (const prefix of prefixes) {
    if (await givesChallenges(http, prefix, signal)) {
      const about = prefix === prefixes[0] ? undefined : await askAbout(http, prefix, signal);
      return { prefix, about: about === undefined ? undefined : fitting(about) };
    }
  }
  throw new LandError("unsupported", `No forge that this kit knows answers at ${http.baseUrl}.`, {
    state: "Nothing was changed.",
    next: "Check the address; it is the forge's own, without /git or /news at its end.",
  });
}

async function askAbout(
  http: ForgeHttp,
  prefix: Prefix,
  signal: AbortSignal | undefined,
): Promise<AboutAnswer | undefined> {
  return orNothing(
    http.call(
      {
        method: "GET",
        path: `${prefix}${paths.about()}`,
        answer: aboutAnswer,
        deadlineMs: probeDeadlineMs,
      },
      signal,
    ),
  );
}

/** The right prefix answers with a challenge, or says in JSON that nobody may log in. */
async function givesChallenges(
  http: ForgeHttp,
  prefix: Prefix,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await http.call(
      {
        method: "POST",
        path: `${prefix}${paths.challenge()}`,
        answer: challengeAnswer,
        repeatable: true,
        deadlineMs: probeDeadlineMs,
      },
      signal,
    );
    return true;
  } catch (error) {
    if (isLandError(error, "forbidden")) return true;
    if (isNoForgeHere(error)) return false;
    throw error;
  }
}

async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNoForgeHere(error)) return undefined;
    throw error;
  }
}

/** Whether an error says that something else lives at that path, rather than that nobody answers. */
function isNoForgeHere(error: unknown): boolean {
  if (!isLandError(error) || isRedirect(error.facts.status)) return false;
  // A retired host says where its forge went.
  if (error.facts.status === 410) return false;
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
