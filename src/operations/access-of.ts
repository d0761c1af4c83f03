import { LandError } from "../domain/errors.ts";
import type { Forge } from "../forges/forge.ts";
import type { ForgeAccess } from "../forges/forge-access.ts";
import type { OperationContext } from "./operation.ts";

/** The part of a forge that says who may use it. Throws `unsupported` where it has none. */
export function accessOf(forge: Forge): ForgeAccess {
  if (forge.access !== undefined) return forge.access;
  throw new LandError("unsupported", `The forge ${forge.name} does not tell who may use it.`, {
    state: "Nothing was done.",
    next: "Its owner looks there where the forge is.",
  });
}

/** Lets a person agree to what only the owner may do. Throws `forbidden` unless that happened. */
export async function requireOwnersConsent(
  context: OperationContext,
  question: { readonly lines: readonly string[]; readonly expected: string; readonly way: string },
): Promise<void> {
  const { lines, expected, way } = question;
  const consent = await context.confirm({
    message: [...lines, `This is recorded. To agree, type: ${expected}`].join("\n"),
    expected,
  });
  if (consent === "agreed") return;
  throw new LandError(
    "forbidden",
    consent === "declined"
      ? "The question was declined."
      : "Nobody can be asked here, and this needs the owner's consent.",
    { state: "Nothing was changed.", next: `A person does it at a terminal: \`${way}\`.` },
  );
}
