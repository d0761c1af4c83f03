import { laneLogAnswer, logsAnswer } from "../contract/branch.ts";
import { paths } from "../contract/paths.ts";
import { LandError } from "../domain/errors.ts";
import type { LogPart, LogRequest } from "./forge.ts";
import { findLane, runOf } from "./pika-shapes.ts";
import { type PikaWire, unknownBranch, whereKnown } from "./pika-wire.ts";

/** Reads a part of a lane's log: a byte range where the forge has them, else cut from the whole. */
export async function readLog(
  wire: PikaWire,
  request: LogRequest,
  signal: AbortSignal | undefined,
): Promise<LogPart> {
  const { about } = await wire.flavour(signal);
  return about === undefined
    ? cutFromWhole(wire, request, signal)
    : readRange(wire, request, signal);
}

async function readRange(
  wire: PikaWire,
  request: LogRequest,
  signal: AbortSignal | undefined,
): Promise<LogPart> {
  const laneRun = request.laneRun ?? (await chooseLane(wire, request, signal));
  const part = await whereKnown(
    wire.get(paths.laneLog(laneRun), laneLogAnswer, signal, {
      offset: request.offset,
      max_bytes: Math.max(1, request.maxBytes),
    }),
  );
  if (part === undefined) throw noSuchLane(request);
  if (part.branch_id !== null && String(part.branch_id) !== request.branchId) {
    throw noSuchLane(request);
  }
  return {
    run: String(part.run_id),
    lane: part.lane_id,
    laneRun: String(part.lane_run_id),
    status: part.status,
    text: part.text,
    offset: part.offset,
    totalBytes: part.total_bytes,
    ...(part.next_offset === undefined ? {} : { nextOffset: part.next_offset }),
  };
}

async function chooseLane(
  wire: PikaWire,
  request: LogRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const detail = await wire.detail(request.branchId, signal);
  if (detail === undefined) throw unknownBranch(request.branchId);
  const found = findLane(detail.ci_runs.map(runOf), { lane: request.lane });
  if (found === undefined) throw noSuchLane(request);
  return found.lane.id;
}

async function cutFromWhole(
  wire: PikaWire,
  request: LogRequest,
  signal: AbortSignal | undefined,
): Promise<LogPart> {
  const query = { lane: request.lane, lane_run_id: request.laneRun };
  const whole = await whereKnown(wire.get(paths.logs(request.branchId), logsAnswer, signal, query));
  if (whole === undefined) throw noSuchLane(request);
  return {
    run: String(whole.run_id),
    lane: whole.lane.lane_id,
    laneRun: String(whole.lane.id),
    status: whole.lane.status,
    ...byteRange(whole.lane.log_text ?? "", request.offset, request.maxBytes),
  };
}

/** A range of a text in bytes of UTF-8, moved so that no character is cut. Pure. */
export function byteRange(
  text: string,
  offset: number | undefined,
  maxBytes: number,
): { text: string; offset: number; totalBytes: number; nextOffset: number } {
  const bytes = new TextEncoder().encode(text);
  const from = afterContinuation(bytes, offset ?? Math.max(0, bytes.length - maxBytes));
  const wanted = Math.min(bytes.length, from + Math.max(1, maxBytes));
  const to = beforeCut(bytes, from, wanted);
  return {
    text: new TextDecoder().decode(bytes.subarray(from, to)),
    offset: from,
    totalBytes: bytes.length,
    nextOffset: to,
  };
}

function afterContinuation(bytes: Uint8Array, start: number): number {
  let at = Math.min(start, bytes.length);
  while (isContinuation(bytes[at])) at += 1;
  return at;
}

/** The end of a range at a character's border; at least one character is always given. */
function beforeCut(bytes: Uint8Array, from: number, wanted: number): number {
  let at = wanted;
  while (at > from && isContinuation(bytes[at])) at -= 1;
  return at > from ? at : afterContinuation(bytes, wanted);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function noSuchLane(request: LogRequest): LandError {
  const which = request.laneRun ?? request.lane;
  return new LandError(
    "not_found",
    which === undefined
      ? `Branch #${request.branchId} has no lane that has run.`
      : `Branch #${request.branchId} has no such lane among its newest runs.`,
    {
      state: "Nothing was changed.",
      next: "Look at the branch's status: it names the lanes and the ids of their runs.",
    },
  );
}
