import { z } from "zod";
import * as access from "../src/contract/access.ts";
import * as admin from "../src/contract/admin.ts";
import * as auth from "../src/contract/auth.ts";
import * as branch from "../src/contract/branch.ts";
import * as ci from "../src/contract/ci.ts";
import * as errors from "../src/contract/errors.ts";
import * as forge from "../src/contract/forge.ts";
import * as inbox from "../src/contract/inbox.ts";
import * as nightly from "../src/contract/nightly.ts";
import { prefixes } from "../src/contract/paths.ts";
import { type Guard, type Route, textParameters } from "../src/contract/route.ts";
import { routeTable } from "../src/contract/routes.ts";
import * as runner from "../src/contract/runner.ts";

type Json = Record<string, unknown>;

const schemas = {
  ChallengeAnswer: auth.challengeAnswer,
  VerifyRequest: auth.verifyRequest,
  VerifyAnswer: auth.verifyAnswer,
  LogoutAnswer: auth.logoutAnswer,
  MeAnswer: auth.meAnswer,
  AboutAnswer: forge.aboutAnswer,
  BranchListAnswer: branch.branchListAnswer,
  ResolveAnswer: branch.resolveAnswer,
  DetailAnswer: branch.detailAnswer,
  Branch: branch.branchShape,
  Run: branch.runShape,
  Lane: branch.laneShape,
  LogsAnswer: branch.logsAnswer,
  LaneLogAnswer: branch.laneLogAnswer,
  MergeRequest: branch.mergeRequest,
  MergeAnswer: branch.mergeAnswer,
  CloseRequest: branch.closeRequest,
  TutorialRequest: branch.tutorialRequest,
  TutorialAnswer: branch.tutorialAnswer,
  QueueAnswer: ci.queueAnswer,
  WakeAnswer: ci.wakeAnswer,
  RerunAnswer: ci.rerunAnswer,
  LaneActionAnswer: ci.laneActionAnswer,
  RecoverAnswer: ci.recoverAnswer,
  CancelRunAnswer: ci.cancelRunAnswer,
  PauseAnswer: ci.pauseAnswer,
  ResumeAnswer: ci.resumeAnswer,
  ResetHealthRequest: ci.resetHealthRequest,
  ResetHealthAnswer: ci.resetHealthAnswer,
  NightlyAnswer: nightly.nightlyAnswer,
  NightlyListAnswer: nightly.nightlyListAnswer,
  NightlyStartAnswer: nightly.nightlyStartAnswer,
  NightlyRerunAnswer: nightly.nightlyRerunAnswer,
  RunnerRun: runner.runnerRun,
  RunnerLogs: runner.runnerLogs,
  RunnerPreparedOutputs: runner.runnerPreparedOutputs,
  WebhookAnswer: ci.webhookAnswer,
  AllowlistAnswer: access.allowlistAnswer,
  AllowlistRequest: access.allowlistRequest,
  AllowlistChangeAnswer: access.allowlistChangeAnswer,
  KeysAnswer: access.keysAnswer,
  KeyRequest: access.keyRequest,
  KeyAnswer: access.keyAnswer,
  TokensAnswer: access.tokensAnswer,
  TokenRevokeRequest: access.tokenRevokeRequest,
  TokenRevokeAnswer: access.tokenRevokeAnswer,
  AuditAnswer: access.auditAnswer,
  ForgeStatusAnswer: admin.forgeStatusAnswer,
  MirrorSyncAnswer: admin.mirrorSyncAnswer,
  InboxAnswer: inbox.inboxAnswer,
  InboxCountAnswer: inbox.inboxCountAnswer,
  InboxDismissRequest: inbox.inboxDismissRequest,
  InboxDismissAnswer: inbox.inboxDismissAnswer,
  InboxNeighborsAnswer: inbox.inboxNeighborsAnswer,
  InboxReviewedAnswer: inbox.inboxReviewedAnswer,
  Event: forge.eventShape,
  TargetRequest: forge.targetRequest,
  TargetAnswer: forge.targetAnswer,
  DrainAnswer: forge.drainAnswer,
  Error: errors.errorAnswer,
} satisfies Record<string, z.ZodType>;

const names = new Map<z.ZodType, string>(
  Object.entries(schemas).map(([name, schema]) => [schema, name]),
);

const guardWords: Readonly<Record<Guard, string>> = {
  none: "Needs no token.",
  token: "Needs a token, whatever its key may do.",
  reader: "Needs the token of an active key.",
  writer: "Needs the token of a key that may land.",
  owner: "Needs the owner's token.",
};

/** The OpenAPI 3.1 document of the forge's HTTP contract, made from the schemas it checks by. */
export function openapiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const route of routeTable) {
    route.paths.forEach((path, twin) => {
      const item = paths[path] ?? {};
      paths[path] = item;
      const methods = [route.method, ...(route.alsoBy === undefined ? [] : [route.alsoBy])];
      methods.forEach((method, other) => {
        const suffix = `${twin === 0 ? "" : `Twin${twin}`}${other === 0 ? "" : `By${method}`}`;
        item[method] = operation(route, path, route.name + suffix);
      });
    });
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "forge-landing-kit: the forge's HTTP contract",
      version: String(forge.protocolVersion),
      description:
        "All paths exist below /git and /news alike. Added keys and endpoints, beyond the reference forge's, say so.",
    },
    servers: prefixes.map((url) => ({ url })),
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function operation(route: Route, path: string, id: string): Json {
  const parameters = [...pathParameters(path), ...queryParameters(route.query)];
  return {
    operationId: id,
    summary: route.summary,
    description: `${guardWords[route.guard]}${route.added === true ? " Added to the reference." : ""}`,
    ...(route.guard === "none" ? { security: [] } : { security: [{ token: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: !route.body.optional, content: jsonOf(route.body.schema) } }),
    responses: {
      "200": success(route),
      default: {
        description:
          "An error, as JSON; a malformed path, query or body is answered in plain text.",
        content: jsonOf(errors.errorAnswer),
      },
    },
  };
}

function success(route: Route): Json {
  if (route.answer !== undefined) return { description: "Done.", content: jsonOf(route.answer) };
  return {
    description: "Server-sent events named `forge`, whose data is an Event.",
    content: { "text/event-stream": { schema: { type: "string" } } },
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: textParameters.has(name ?? "")
      ? { type: "string" }
      : { type: "integer", format: "int64" },
  }));
}

function queryParameters(query: z.ZodObject | undefined): Json[] {
  if (query === undefined) return [];
  const schema = z.toJSONSchema(query, { io: "input" });
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: "query",
    required: required.has(name),
    schema: isInteger(property) ? { type: "integer", format: "int64" } : property,
  }));
}

/** Numbers travel as text in a query; readers of the document want to know that they are numbers. */
function isInteger(property: unknown): boolean {
  return (property as Json).type === "integer";
}

function jsonOf(schema: z.ZodType): Json {
  const name = names.get(schema);
  if (name === undefined) throw new Error("a route's schema has no name in the OpenAPI document");
  return { "application/json": { schema: { $ref: refOf(name) } } };
}

function refOf(name: string): string {
  return `#/components/schemas/${name}`;
}

/** What travels, so the input side of each schema; shared ones become references. */
function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(schemas)) registry.add(schema, { id: name });
  const made = z.toJSONSchema(registry, { io: "input", uri: refOf });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([name, schema]) => {
      const { $schema: _dialect, $id: _id, id: _name, ...rest } = schema as Json;
      return [name, rest];
    }),
  );
}
