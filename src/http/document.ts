import { toOpenAPISchema } from "@elysiajs/openapi";
import type { TSchema } from "@sinclair/typebox";
import type { AnyElysia } from "elysia";
import packageJson from "../../package.json" with { type: "json" };
import { type OperationDetail, TAGS } from "./operation";
import { bodyTypes, isBodyOptional } from "./routeTable";

/** The plugin takes a path with a dot in it, such as `/.well-known`, for a file. */
const EXCLUDED = { staticFile: false };

type Json = Record<string, unknown>;

const OPENAPI_VERSION = "3.1.1";
const SCHEMA_DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base";

const DESCRIPTION = `Sensors say how they are; Tocsin notices when a status changes, and tells everyone who asked by a signed webhook.

Errors are \`application/problem+json\` (RFC 9457) and come in this order: 401, 404, 405, 415, 413, 400, 403, 422. Lists give \`items\` and
\`nextCursor\`. Edits may name the version that they were made on by \`If-Match\`. Every answer carries \`x-request-id\`.`;

/** The OpenAPI document of what `app` serves, as JSON. */
export function openapiDocument(app: AnyElysia): string {
  const schemas: Json = {};
  const paths = hoisted(completed(toOpenAPISchema(app, EXCLUDED, undefined, undefined, OPENAPI_VERSION).paths as Json, app), schemas);
  return JSON.stringify({
    openapi: OPENAPI_VERSION,
    jsonSchemaDialect: SCHEMA_DIALECT,
    info: {
      title: "Tocsin",
      version: packageJson.version,
      description: DESCRIPTION,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A token; the role named beside an operation is the scope that it needs." },
      },
      schemas: Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  });
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly schema: Json }[];
  requestBody?: { content: Json; required?: boolean };
}

/** What the plugin does not find: bodies, in the types that the gate takes, and descriptions where a page shows them. */
function completed(paths: Json, app: AnyElysia): Json {
  const bodies = new Map(app.routes.map(({ hooks }) => [(hooks as RouteHooks).detail.operationId, (hooks as RouteHooks).body]));
  for (const operations of Object.values(paths) as Record<string, Operation>[]) {
    for (const [method, operation] of Object.entries(operations)) {
      for (const parameter of operation.parameters ?? []) Object.assign(parameter, descriptionOf(parameter.schema));
      if (operation.requestBody === undefined) continue;
      const schema = bodies.get(operation.operationId);
      // One that is streamed has said all of it.
      if (schema === undefined) continue;
      operation.requestBody.required = !isBodyOptional(method.toUpperCase(), schema);
      operation.requestBody.content = Object.fromEntries(bodyTypes(method.toUpperCase()).map((type) => [type, { schema }]));
    }
  }
  return paths;
}

function descriptionOf({ description }: Json): Json {
  return description === undefined ? {} : { description };
}

interface RouteHooks {
  readonly detail: OperationDetail;
  readonly body?: TSchema;
}

/** Moves every schema with a name of its own among the components, and refers to it where it stood. */
function hoisted<Value>(value: Value, schemas: Json): Value {
  if (Array.isArray(value)) return value.map((item: unknown) => hoisted(item, schemas)) as Value;
  if (typeof value !== "object" || value === null) return value;
  const { $id: name, ...rest } = value as Json;
  const copied = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, hoisted(member, schemas)]));
  if (typeof name !== "string") return copied as Value;
  schemas[name] = copied;
  return { $ref: `#/components/schemas/${name}` } as Value;
}
