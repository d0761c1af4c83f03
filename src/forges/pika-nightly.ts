import { cancelRunAnswer, laneActionAnswer, recoverAnswer } from "../contract/ci.ts";
import {
  type NightlyListAnswer,
  nightlyAnswer,
  nightlyListAnswer,
  nightlyRerunAnswer,
  nightlyStartAnswer,
} from "../contract/nightly.ts";
import { paths } from "../contract/paths.ts";
import { LandError } from "../domain/errors.ts";
import type { NightlyPage, NightlyRun, RecoveryAction, RecoveryRequest } from "./forge.ts";
import { isoTime, laneOf, optionalWords, runStatus } from "./pika-shapes.ts";
import { isId, type PikaWire, whereKnown } from "./pika-wire.ts";
import { plainWords } from "./plain-words.ts";
import { already, cancelledWords, laneWords, recoveredWords } from "./recovery-words.ts";
import { whereNightliesAre } from "./wire-errors.ts";

/** A nightly run with its lanes; undefined where the forge knows none of that number. */
export async function readNightly(
  wire: PikaWire,
  id: string,
  signal: AbortSignal | undefined,
): Promise<NightlyRun | undefined> {
  await needsNightlies(wire, signal);
  if (!isId(id)) return undefined;
  const query = { logs: "none" };
  const answer = await whereKnown(wire.get(paths.nightly(id), nightlyAnswer, signal, query));
  if (answer === undefined) return undefined;
  return { ...factsOf(answer), lanes: answer.lanes.map(laneOf) };
}

/** Nightlies, latest first. */
export async function listNightlies(
  wire: PikaWire,
  filter: { limit?: number; cursor?: string },
  signal: AbortSignal | undefined,
): Promise<NightlyPage> {
  await wire.needsAdded("list its nightlies", signal);
  const answer = await wire.get(paths.nightlies(), nightlyListAnswer, signal, filter);
  return {
    items: answer.nightlies.map((one) => ({ ...factsOf(one), laneCount: one.lane_count })),
    next: answer.next_cursor ?? undefined,
    nextSlot: answer.next_scheduled_for == null ? undefined : isoTime(answer.next_scheduled_for),
  };
}

/** Runs the nightly lanes of the target now; answers the nightly's number. */
export async function startNightly(
  wire: PikaWire,
  signal: AbortSignal | undefined,
): Promise<string> {
  await wire.needsAdded("run a nightly when asked", signal);
  const answer = await wire.post(paths.startNightly(), nightlyStartAnswer, {}, signal);
  return String(answer.nightly_run_id);
}

function factsOf(
  answer: Omit<NightlyListAnswer["nightlies"][number], "lane_count">,
): Omit<NightlyRun, "lanes"> {
  return {
    id: String(answer.nightly_run_id),
    status: runStatus(answer.status),
    head: plainWords(answer.source_head_sha, 64),
    scheduledFor: isoTime(answer.scheduled_for),
    summary: optionalWords(answer.summary),
  };
}

/** Recovers a nightly, or acts on one of its lanes; says in one line what was done. */
export async function recoverNightly(
  wire: PikaWire,
  request: RecoveryRequest,
  id: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (!isId(id)) throw unknownNightly(id);
  if (request.action === "recover") {
    const answer = await wire.post(paths.recoverNightly(id), recoverAnswer, {}, signal);
    return recoveredWords(answer, `nightly #${id}`);
  }
  if (request.action === "rerun_suite") {
    const answer = await wire.post(paths.rerunNightly(id), nightlyRerunAnswer, {}, signal);
    return `All lanes of nightly #${id} run again${already(answer)} as nightly #${answer.rerun_run_id}.`;
  }
  if (request.action === "cancel_run") {
    const path = paths.cancelNightly(id);
    const answer = await wire.post(path, cancelRunAnswer, { repeatable: true }, signal);
    return cancelledWords(answer, `nightly #${id}`);
  }
  if (!laneActions.has(request.action)) throw unknownAction(request.action);
  const lane = request.laneRun ?? (await laneNamed(wire, id, request.lane, signal));
  if (request.action === "rerun_lane") {
    const path = paths.rerunNightlyLane(id, lane);
    const answer = await wire.post(path, nightlyRerunAnswer, {}, signal);
    return `Lane run #${lane} of nightly #${id} runs again${already(answer)} as nightly #${answer.rerun_run_id}.`;
  }
  const path =
    request.action === "fail"
      ? paths.failNightlyLane
      : request.action === "cancel"
        ? paths.cancelNightlyLane
        : paths.requeueNightlyLane;
  const answer = await wire.post(path(id, lane), laneActionAnswer, {}, signal);
  return laneWords(answer, `Lane run #${lane} of nightly #${id}`, request.action);
}

const laneActions: ReadonlySet<RecoveryAction> = new Set([
  "rerun_lane",
  "requeue",
  "fail",
  "cancel",
]);

function unknownAction(action: RecoveryAction): LandError {
  return new LandError("unsupported", `A nightly knows no \`${action}\`.`, {
    state: "Nothing was changed.",
    next: "A nightly can do: recover, rerun_suite, cancel_run, and on a lane rerun_lane, requeue, fail, cancel.",
  });
}

async function laneNamed(
  wire: PikaWire,
  id: string,
  lane: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const nightly = await readNightly(wire, id, signal);
  if (nightly === undefined) throw unknownNightly(id);
  const found = nightly.lanes.find((one) => one.lane === lane);
  if (found !== undefined) return found.id;
  const named = nightly.lanes.map((one) => `${one.lane} (${one.status})`).slice(0, 30);
  throw new LandError(
    lane === undefined ? "bad_argument" : "not_found",
    lane === undefined
      ? "Which lane of the nightly is meant was not said."
      : `Nightly #${id} has no such lane.`,
    {
      state: `Its lanes: ${named.join(", ") || "none"}.`,
      next: "Name one of these with `lane`, or its run with `lane_run`.",
    },
  );
}

/** The earlier revision of the reference shows nightlies on pages alone. */
async function needsNightlies(wire: PikaWire, signal: AbortSignal | undefined): Promise<void> {
  const { prefix, about } = await wire.flavour(signal);
  if (about !== undefined || prefix !== "/news") return;
  throw new LandError(
    "unsupported",
    `The forge at ${wire.http.baseUrl} tells nothing of nightlies.`,
    {
      state: "Nothing was changed.",
      next: "Open the forge's page; a person who is logged in there can rerun a lane.",
    },
  );
}

function unknownNightly(id: string): LandError {
  return new LandError("not_found", `The forge knows no nightly #${plainWords(id, 40)}.`, {
    state: "Nothing was changed.",
    next: whereNightliesAre,
  });
}
