import type { StandardSchemaWithJSON } from "@modelcontextprotocol/server";
import { z } from "zod";

/**
 * The JSON schema of an operation's arguments as it goes over the wire: without `$schema`, bounds
 * that every whole number has anyway, and `additionalProperties` (unknown arguments are refused by
 * name all the same), since each list of tools costs the reader.
 */
export function wireSchema(input: z.ZodObject): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input" });
  return withoutNoise(schema) as Record<string, unknown>;
}

function withoutNoise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNoise);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, held]) => !isNoise(key, held))
      .map(([key, held]) => [key, withoutNoise(held)]),
  );
}

function isNoise(key: string, value: unknown): boolean {
  if (key === "additionalProperties") return value === false;
  const isBound = key === "minimum" || key === "maximum";
  return isBound && typeof value === "number" && Math.abs(value) === Number.MAX_SAFE_INTEGER;
}

/**
 * A schema that is shown but lets everything pass: arguments are read by the operation itself, whose
 * error names the argument and what to do.
 */
export function shownSchema(
  json: Record<string, unknown>,
): StandardSchemaWithJSON<unknown, unknown> {
  return {
    "~standard": {
      version: 1,
      vendor: "forge-landing-kit",
      validate: (value) => ({ value }),
      jsonSchema: { input: () => json, output: () => json },
    },
  };
}
