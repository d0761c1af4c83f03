import type { LandError } from "../domain/errors.ts";
import { readArguments } from "./arguments.ts";
import { asLandError } from "./errors.ts";
import type { AnyOperation, OperationContext } from "./operation.ts";

export type Performed =
  | { readonly done: true; readonly result: unknown; readonly text: string }
  | { readonly done: false; readonly error: LandError };

/**
 * Carries out one operation for a face: reads the arguments, handles, renders. Never throws, but
 * for what `passes` names: a face's own signal that must reach it, such as a question to a person.
 */
export async function perform(
  operation: AnyOperation,
  context: OperationContext,
  given: unknown,
  passes: (thrown: unknown) => boolean = () => false,
): Promise<Performed> {
  try {
    const input = readArguments(operation.input, given);
    const result = await operation.handle(context, input);
    return { done: true, result, text: operation.render(result) };
  } catch (thrown) {
    if (passes(thrown)) throw thrown;
    return { done: false, error: asLandError(thrown) };
  }
}
