import { z } from "zod";

/** `POST {P}/auth/challenge`: 16 random bytes in hex. */
export const challengeAnswer = z.object({ challenge: z.string().min(1) });

/** `POST {P}/auth/verify`: the JSON text of a signed Nostr event of kind 27235. */
export const verifyRequest = z.object({ event: z.string() });

export const verifyAnswer = z.object({
  token: z.string().min(1),
  npub: z.string(),
  is_admin: z.boolean(),
  can_forge_write: z.boolean(),
});

export const meAnswer = z.object({
  npub: z.string(),
  is_admin: z.boolean(),
  can_chat: z.boolean(),
  can_forge_write: z.boolean(),
  /** Added: the name that the key was let in under, and whose it is: owner, agent, member. */
  name: z.string().nullish(),
  kind: z.string().nullish(),
});

/** Added: `POST {P}/auth/logout` ends the token it is called with. */
export const logoutAnswer = z.object({ status: z.string() });

export type ChallengeAnswer = z.infer<typeof challengeAnswer>;
export type VerifyRequest = z.infer<typeof verifyRequest>;
export type VerifyAnswer = z.infer<typeof verifyAnswer>;
export type MeAnswer = z.infer<typeof meAnswer>;
