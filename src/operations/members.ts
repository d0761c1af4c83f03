import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import type { ForgeAccess, Member } from "../forges/forge-access.ts";
import { parsePublicKey } from "../identity/keys.ts";
import { accessOf, requireOwnersConsent } from "./access-of.ts";
import { input, oneOf, text, yesOrNo } from "./arguments.ts";
import { defineOperation, type OperationContext } from "./operation.ts";
import { lines, placeLine, placeShape, shownName } from "./subject.ts";
import type { Worktree } from "./worktree.ts";

const memberShape = z.object({
  npub: z.string(),
  name: z.string().optional(),
  kind: z.string().optional(),
  active: z.boolean(),
  admin: z.boolean(),
  can_land: z.boolean(),
  approved_by: z.string().optional(),
});

type Action = "list" | "approve" | "deactivate";

export const members = defineOperation({
  faces: { command: "members" },
  summary:
    "Lists who may use the forge, and lets keys in or out. All of it is the owner's right; changes ask a person at a terminal.",
  input: input({
    action: oneOf(["list", "approve", "deactivate"])
      .optional()
      .describe("Default: list. deactivate takes all rights at once"),
    member: text(200).optional().describe("A name, or an npub"),
    name: text(64).optional().describe("The name for a key that is given as npub"),
    read_only: yesOrNo.describe("Let it in to read, not to land"),
  }),
  hints: { readOnly: false, destructive: true, idempotent: true },
  result: z.object({
    ...placeShape,
    state: z.enum(["listed", "approved", "deactivated"]),
    members: z.array(memberShape),
    /** Agents with a key here that the forge does not know yet. */
    requested: z.array(z.object({ name: z.string(), npub: z.string() })),
  }),
  async handle(context, given) {
    const worktree = await context.worktree(given.worktree);
    const owner = await worktree.forgeAsOwner(context.signal);
    const access = accessOf(owner);
    const action = given.action ?? "list";
    if (action !== "list") await change(context, { access, worktree, action, given });
    const known = await access.members(context.signal);
    const npubs = new Set(known.map(({ npub }) => npub));
    const here = (await worktree.agentsHere?.()) ?? [];
    return {
      worktree: worktree.path,
      forge: owner.name,
      state: ends[action],
      members: known.map(viewOf),
      requested: here.filter(({ npub }) => !npubs.has(npub)),
    };
  },
  render: (answer) =>
    lines(
      answer.state !== "listed" && `Done: ${answer.state}.`,
      ...answer.members.map(lineOf),
      ...answer.requested.map(
        ({ name, npub }) =>
          `${name} · asks to be let in (\`land members approve ${name}\`) · ${npub}`,
      ),
      placeLine(answer),
    ),
});

const ends = { list: "listed", approve: "approved", deactivate: "deactivated" } as const;

interface Change {
  readonly access: ForgeAccess;
  readonly worktree: Worktree;
  readonly action: Exclude<Action, "list">;
  readonly given: {
    readonly member?: string | undefined;
    readonly name?: string | undefined;
    readonly read_only?: boolean | undefined;
  };
}

async function change(context: OperationContext, wish: Change): Promise<void> {
  const { access, action, given } = wish;
  const { signal } = context;
  const key = await findKey(wish, signal);
  const shown = shownName(key.name, 64);
  const canLand = given.read_only !== true;
  const effect =
    action === "deactivate"
      ? `${shown} (${key.npub}) loses all rights at once.`
      : `${shown} (${key.npub}) may ${canLand ? "read and land" : "read"}.`;
  const way = `land members ${action} ${given.member ?? "NAME"}`;
  await requireOwnersConsent(context, { lines: [effect], expected: shown, way });
  if (action === "deactivate") await access.deactivate(key, signal);
  else await access.approve({ ...key, canLand }, signal);
}

/** The key that is meant: one that the forge knows, one that waits here, or one that is given. */
async function findKey({ access, worktree, action, given }: Change, signal: AbortSignal) {
  const { member, name } = given;
  if (member === undefined) throw nobodyNamed(action);
  const wanted = parsePublicKey(member);
  const here = (await worktree.agentsHere?.()) ?? [];
  const known = await access.members(signal);
  const waiting = here.find((one) =>
    wanted === undefined ? one.name === member : one.npub === wanted,
  );
  const found = knownMember(known, member, wanted, action);
  const npub = wanted ?? (action === "approve" ? waiting?.npub : undefined) ?? found?.npub;
  if (npub === undefined || (action === "deactivate" && found === undefined)) {
    throw nobodyKnown(shownName(member, 80));
  }
  const label = name ?? found?.name ?? waiting?.name ?? (wanted === undefined ? member : undefined);
  if (label === undefined) throw nameMissing();
  const kind: "agent" | "member" =
    waiting !== undefined || found?.kind === "agent" ? "agent" : "member";
  return { npub, name: label, kind };
}

/** By its npub, else the one active key of a name; to be let in again, also one that is not. */
function knownMember(
  known: readonly Member[],
  member: string,
  wanted: string | undefined,
  action: Change["action"],
): Member | undefined {
  if (wanted !== undefined) return known.find(({ npub }) => npub === wanted);
  const named = known.filter(({ name }) => name === member);
  const active = named.find((one) => one.active);
  return active ?? (action === "approve" || named.length === 1 ? named[0] : undefined);
}

function viewOf(member: Member): z.infer<typeof memberShape> {
  const { npub, name, kind, active, admin, canLand, approvedBy } = member;
  return {
    npub: shownName(npub, 100),
    ...(name === undefined ? {} : { name: shownName(name, 64) }),
    ...(kind === undefined ? {} : { kind: shownName(kind, 20) }),
    active,
    admin,
    can_land: canLand,
    ...(approvedBy === undefined ? {} : { approved_by: shownName(approvedBy, 100) }),
  };
}

function lineOf(member: z.infer<typeof memberShape>): string {
  const rights = member.admin ? "owner's rights" : member.can_land ? "may land" : "may read";
  return [
    member.name ?? member.kind ?? "key",
    ...(member.kind === undefined || member.kind === member.name ? [] : [member.kind]),
    member.active ? rights : member.can_land ? "inactive, but may still land" : "inactive",
    member.npub,
  ].join(" · ");
}

function nobodyNamed(action: string): LandError {
  return new LandError("bad_argument", `\`land members ${action}\` needs a name or an npub.`, {
    state: "Nothing was changed.",
    next: "`land members` shows who is there and who asks to be let in.",
  });
}

function nobodyKnown(member: string): LandError {
  return new LandError("not_found", `Nobody here or on the forge is called ${member}.`, {
    state: "Nothing was changed.",
    next: "`land members` shows who is there. A key of somebody else is let in by its npub: `land members approve npub1… --name NAME`.",
  });
}

function nameMissing(): LandError {
  return new LandError("bad_argument", "A key that is given by its npub needs a name.", {
    state: "Nothing was changed.",
    next: "Add `--name NAME`; the audit trail shows it.",
  });
}
