import type { z } from "zod";

/**
 * Who may call: anybody, a live token whatever its rights, a key that still has a right, a key
 * that may land, the owner.
 */
export type Guard = "none" | "token" | "reader" | "writer" | "owner";

/** One endpoint of the contract, as the server mounts it and the OpenAPI document describes it. */
export interface Route {
  readonly method: "get" | "post" | "put";
  /**
   * Below the prefix. Parameters in braces are 64-bit integers, but for those of `textParameters`.
   * Twins share the handler.
   */
  readonly paths: readonly string[];
  readonly guard: Guard;
  readonly summary: string;
  readonly query?: z.ZodObject;
  /** `optional`: an absent body means all keys absent, and no content type is asked for. */
  readonly body?: { readonly schema: z.ZodObject; readonly optional: boolean };
  /** Absent: a stream of server-sent events. */
  readonly answer?: z.ZodObject;
  /** Further methods of the same endpoint. */
  readonly alsoBy?: "get" | "post" | "put";
  /** The recovery action that it offers. */
  readonly recovery?: string;
  /** Not part of the reference. */
  readonly added?: boolean;
}

/** Parameters of paths that are any text and not an id of ours. */
export const textParameters: ReadonlySet<string> = new Set(["executor_run"]);
