import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { frozenNow, ownersWay, watchesTarget } from "../landing/frozen.ts";
import { input, oneOf } from "./arguments.ts";
import { defineOperation, type OperationContext } from "./operation.ts";
import {
  lines,
  openPlace,
  type Place,
  placeLine,
  placeOf,
  placeShape,
  shownName,
} from "./subject.ts";

/** What an owner can do about a target that was moved outside the forge. */
const settlements = ["accept", "restore"] as const;
export type Settlement = (typeof settlements)[number];

export const settleTarget = defineOperation({
  faces: { command: "target" },
  summary:
    "Settles a target that was moved outside the forge, which keeps everything from landing. Without an action it only says how things stand. Settling is the owner's right, at a terminal.",
  input: input({
    action: oneOf(settlements)
      .optional()
      .describe("accept: keep the new value. restore: put back what the forge left there"),
  }),
  hints: { readOnly: false, destructive: true, idempotent: true },
  result: z.object({
    ...placeShape,
    state: z.enum(["untouched", "moved_outside", "accepted", "restored"]),
    target: z.string(),
    /** Why landing stands still. */
    frozen: z.string().optional(),
    /** What else to know of it, such as a tip that was imported untested. */
    note: z.string().optional(),
    done: z.string().optional(),
    next: z.string().optional(),
  }),
  async handle(context, given) {
    const place = await openPlace(context, given.worktree);
    const { target } = await place.forge.capabilities(context.signal);
    const facts = { ...placeOf(place), target };
    const frozen = await movedOutside(place, context.signal);
    if (frozen === undefined) {
      const { targetNote: note } = await place.forge.queue({ limit: 0 }, context.signal);
      return { ...facts, state: "untouched" as const, ...(note === undefined ? {} : { note }) };
    }
    if (given.action === undefined) {
      return {
        ...facts,
        state: "moved_outside" as const,
        frozen: shownName(frozen, 500),
        next: ownersWay,
      };
    }
    const done = await settle(context, place, given.action, frozen);
    return { ...facts, state: endings[given.action], done };
  },
  render: (answer) =>
    lines(
      answer.state === "untouched" &&
        `${answer.target} is where the forge left it; there is nothing to settle.`,
      answer.note,
      answer.frozen,
      answer.done,
      answer.next !== undefined && `Next: ${answer.next}`,
      placeLine(answer),
    ),
});

const endings = { accept: "accepted", restore: "restored" } as const;

/** Why landing stands still, looked at anew; undefined where it does not. */
export async function movedOutside(place: Place, signal: AbortSignal): Promise<string | undefined> {
  const capabilities = await place.forge.capabilities(signal);
  if (!watchesTarget(capabilities)) throw cannotSettle(place);
  return frozenNow(place.forge, capabilities, signal);
}

/** Settles with the owner's key, after a person agreed. Answers in one line what was done. */
export async function settle(
  context: OperationContext,
  place: Place,
  action: Settlement,
  frozen: string,
): Promise<string> {
  const { target } = await place.forge.capabilities(context.signal);
  await requireConsent(context, action, target, frozen);
  const owner = await place.worktree.forgeAsOwner(context.signal);
  const nothingNamed = { branchId: undefined, lane: undefined, laneRun: undefined, run: undefined };
  const request = { action: "reset_target", ...nothingNamed, target: action } as const;
  return shownName(await owner.recover(request, context.signal), 500);
}

const effects: Readonly<Record<Settlement, string>> = {
  accept: "Accept what it is now, although no lane may have tested it?",
  restore: "Put back what the forge left there? The other value is kept under a private ref.",
};

async function requireConsent(
  context: OperationContext,
  action: Settlement,
  target: string,
  frozen: string,
): Promise<void> {
  const consent = await context.confirm({
    message: [
      shownName(frozen, 500),
      effects[action],
      `This is recorded. To agree, type the target's name: ${target}`,
    ].join("\n"),
    expected: target,
  });
  if (consent === "agreed") return;
  throw new LandError(
    "forbidden",
    consent === "declined"
      ? `The question whether to ${action} the target was declined. The client may have declined by itself, so this is no proof that a person said no.`
      : "Nobody can be asked here, and settling the target needs its owner's consent.",
    { state: `Nothing was changed. ${shownName(frozen, 500)}`, next: ownersWay },
  );
}

function cannotSettle(place: Place): LandError {
  return new LandError("unsupported", `The forge ${place.forge.name} cannot settle its target.`, {
    state: "Nothing was done.",
    next: "Its owner does that where the forge is.",
  });
}
