import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import type { LiveToken } from "../forges/forge-access.ts";
import { parsePublicKey } from "../identity/keys.ts";
import { accessOf, requireOwnersConsent } from "./access-of.ts";
import { input, oneOf, text, yesOrNo } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import { lines, placeLine, placeShape, shownName } from "./subject.ts";

const tokenShape = z.object({
  id: z.string(),
  npub: z.string(),
  name: z.string().optional(),
  created: z.string().optional(),
  last_used: z.string().optional(),
  expires: z.string(),
  /** The one that this command itself used. */
  current: z.boolean(),
});

export const tokens = defineOperation({
  faces: { command: "tokens" },
  summary:
    "Lists the logins that are still good, and ends them. Without `owner` those of this work tree's key.",
  input: input({
    action: oneOf(["list", "revoke"]).optional().describe("Default: list"),
    token: text(200).optional().describe("Which to revoke: a token's id, an npub, or all"),
    owner: yesOrNo.describe("Of all keys, with the owner's key; revoking asks a person"),
  }),
  hints: { readOnly: false, destructive: true, idempotent: true },
  result: z.object({
    ...placeShape,
    state: z.enum(["listed", "revoked"]),
    tokens: z.array(tokenShape),
    revoked: z.int().optional(),
  }),
  async handle(context, given) {
    const worktree = await context.worktree(given.worktree);
    const { signal } = context;
    const forge = await (given.owner === true
      ? worktree.forgeAsOwner(signal)
      : worktree.forge(signal));
    const access = accessOf(forge);
    const place = { worktree: worktree.path, forge: forge.name };
    if (given.action !== "revoke") {
      const live = await access.tokens(signal);
      return { ...place, state: "listed" as const, tokens: live.map(viewOf) };
    }
    const which = whichOf(given.token);
    if (given.owner === true) {
      const token = shownName(given.token ?? "", 100);
      await requireOwnersConsent(context, {
        lines: [`Logins of other keys end at once: ${token}.`],
        expected: token,
        way: `land tokens revoke ${token} --owner`,
      });
    }
    const revoked = await access.revoke(which, signal);
    // The token of this very command may be gone now, so nothing more is asked with it.
    return { ...place, state: "revoked" as const, tokens: [], revoked };
  },
  render: (answer) =>
    lines(
      answer.revoked !== undefined &&
        `${answer.revoked === 1 ? "1 login was" : `${answer.revoked} logins were`} ended.`,
      answer.state === "listed" && answer.tokens.length === 0 && "There is no login.",
      ...answer.tokens.map((token) =>
        [
          token.id,
          token.name ?? token.npub,
          ...(token.created === undefined ? [] : [`made ${token.created}`]),
          ...(token.last_used === undefined ? [] : [`used ${token.last_used}`]),
          `ends ${token.expires}`,
          ...(token.current ? ["this command's own"] : []),
        ].join(" · "),
      ),
      placeLine(answer),
    ),
});

function whichOf(token: string | undefined): { id: string } | { npub: string } | { all: true } {
  const given = token?.trim().toLowerCase() ?? "";
  if (given === "all") return { all: true };
  if (/^[0-9a-f]{16}$/.test(given)) return { id: given };
  const npub = parsePublicKey(given);
  if (npub !== undefined) return { npub };
  throw new LandError("bad_argument", "That names no login.", {
    state: "Nothing was ended.",
    next: "Name an id that `land tokens` shows, an npub, or `all`.",
  });
}

function viewOf(token: LiveToken): z.infer<typeof tokenShape> {
  const { id, npub, name, createdAt, lastUsedAt, expiresAt, current } = token;
  return {
    id: shownName(id, 64),
    npub: shownName(npub, 100),
    ...(name === undefined ? {} : { name: shownName(name, 64) }),
    ...(createdAt === undefined ? {} : { created: shownName(createdAt, 40) }),
    ...(lastUsedAt === undefined ? {} : { last_used: shownName(lastUsedAt, 40) }),
    expires: shownName(expiresAt, 40),
    current,
  };
}
