import type { Context } from "hono";
import type { z } from "zod";
import type { RouteName, routes } from "../../contract/routes.ts";
import type { Caller } from "../access/access.ts";
import type { Parts } from "./parts.ts";

type Spec<N extends RouteName> = (typeof routes)[N];
type Query<N extends RouteName> =
  Spec<N> extends { readonly query: infer Q extends z.ZodType } ? z.output<Q> : undefined;
type Body<N extends RouteName> =
  Spec<N> extends { readonly body: { readonly schema: infer B extends z.ZodType } }
    ? z.output<B>
    : undefined;
type Answer<N extends RouteName> =
  Spec<N> extends { readonly answer: infer A extends z.ZodType } ? z.input<A> : Response;

/** One request, with everything in it read and checked by its route's row. */
export interface Call<N extends RouteName> {
  readonly c: Context;
  readonly parts: Parts;
  /** A path parameter of the route. */
  readonly id: (name: "branch_id" | "lane_run_id" | "run_id" | "nightly_run_id") => number;
  /** A path parameter that may be any text. Untrusted. */
  readonly text: (name: "executor_run") => string;
  readonly query: Query<N>;
  readonly body: Body<N>;
  readonly caller: Spec<N>["guard"] extends "none" ? undefined : Caller;
}

export type Handler<N extends RouteName> = (call: Call<N>) => Answer<N> | Promise<Answer<N>>;
export type Handlers = { readonly [N in RouteName]: Handler<N> };
