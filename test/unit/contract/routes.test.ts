import { describe, expect, it } from "vitest";
import { openapiDocument } from "../../../scripts/openapi.ts";
import { paths } from "../../../src/contract/paths.ts";
import { routeTable } from "../../../src/contract/routes.ts";
import { pageRoutes } from "../../../src/server/pages/routes.ts";

/** Each path of the connector's table, with ids that cannot be mistaken for words. */
const connectorPaths = Object.entries(paths).map(
  ([name, path]) => [name, (path as (...ids: number[]) => string)(11, 22)] as const,
);

const pagePaths = pageRoutes.map(({ path }) => path);

function matches(template: string, path: string): boolean {
  return new RegExp(`^${template.replace(/\{\w+\}/g, "\\d+")}$`).test(path);
}

describe("the table of routes", () => {
  it.each(connectorPaths)("has the connector's path %s", (_name, path) => {
    const served = [...routeTable.flatMap((route) => route.paths), ...pagePaths];
    expect(served.some((own) => matches(own, path))).toBe(true);
  });

  it("names no method of a path twice", () => {
    const all = routeTable.flatMap((route) =>
      route.paths.flatMap((path) =>
        [route.method, route.alsoBy].filter(Boolean).map((method) => `${method} ${path}`),
      ),
    );
    expect(new Set(all).size).toBe(all.length);
  });

  it("guards everything but the login and about", () => {
    const open = routeTable.filter((route) => route.guard === "none").map((route) => route.name);
    // The webhook has a signature instead.
    expect(open).toEqual(["challenge", "verify", "about", "webhook"]);
  });
});

describe("the OpenAPI document", () => {
  const document = openapiDocument();
  const text = JSON.stringify(document);

  it("resolves every reference", () => {
    const schemas = (document.components as { schemas: Record<string, unknown> }).schemas;
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]);
    expect(references.length).toBeGreaterThan(30);
    for (const reference of references) {
      expect(Object.keys(schemas).map((name) => `#/components/schemas/${name}`)).toContain(
        reference,
      );
    }
  });

  it("describes each method of each route once, with an id of its own", () => {
    const ids = [...text.matchAll(/"operationId":"([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const route of routeTable) expect(ids).toContain(route.name);
  });

  it("asks for a token where the server does", () => {
    const all = document.paths as Record<string, Record<string, { security: unknown[] }>>;
    expect(all["/api/me"]?.get?.security).toEqual([{ token: [] }]);
    expect(all["/auth/challenge"]?.post?.security).toEqual([]);
  });

  it("is the same each time", () => {
    expect(JSON.stringify(openapiDocument())).toBe(text);
  });
});
