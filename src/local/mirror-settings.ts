import { z } from "zod";
import { problemOfAddress } from "../domain/mirror-address.ts";

/** `mirror` in `forge.json`: a repository elsewhere that follows the forge's. */
export const mirrorShape = z.object({
  url: z.string().superRefine((url, context) => {
    const problem = problemOfAddress(url);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  }),
  /** 0: only when somebody asks. */
  intervalSeconds: z.int().min(0).max(604_800).default(300),
  timeoutSeconds: z.int().min(1).max(86_400).default(120),
  /** Whether people still merge there. */
  import: z.boolean().default(false),
  /** For HTTP. */
  token: z.string().min(1).nullable().default(null),
  /** A file that holds the token instead, and that only its owner may read. */
  tokenFile: z.string().startsWith("/").nullable().default(null),
  /** The variable of the forge's environment that holds the token instead. */
  tokenEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .nullable()
    .default(null),
});
