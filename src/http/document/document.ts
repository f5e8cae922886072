import { toOpenAPISchema } from "@elysiajs/openapi";
import type { TSchema } from "@sinclair/typebox";
import type { AnyElysia } from "elysia";
import packageJson from "../../../package.json" with { type: "json" };
import { curlOf } from "./curl";
import { exampleOf, PARAMETERS, PATH_IDS, TEXTS } from "./examples";
import { INTRODUCTION } from "./introduction";
import { NAMES_BODY, type OperationDetail, TAGS } from "./operation";
import { contentOf, EVENTS_TYPE, headerOf, sharedHeaders, sharedResponses } from "./responses";
import { bodyTypes, isBodyOptional } from "../gate/routeTable";

/** The plugin takes a path with a dot in it, such as `/.well-known`, for a file. */
const EXCLUDED = { staticFile: false };

type Json = Record<string, unknown>;

const OPENAPI_VERSION = "3.1.1";
const SCHEMA_DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base";

/** The OpenAPI document of what `app` serves, as JSON. */
export function openapiDocument(app: AnyElysia): string {
  const schemas: Json = {};
  const found = toOpenAPISchema(app, EXCLUDED, undefined, undefined, OPENAPI_VERSION).paths as Json;
  const paths = hoisted(completed(found, app), schemas);
  const responses = hoisted(sharedResponses(), schemas);
  return JSON.stringify({
    openapi: OPENAPI_VERSION,
    jsonSchemaDialect: SCHEMA_DIALECT,
    info: {
      title: "Tocsin",
      version: packageJson.version,
      description: INTRODUCTION,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A token. Beside an operation stands the scope that it needs." },
      },
      headers: sharedHeaders(),
      responses,
      schemas: Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  });
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  schema: Json;
  description?: string;
  example?: unknown;
}

interface Content {
  readonly schema: TSchema;
  example?: unknown;
}

interface BodyContent {
  readonly schema: TSchema;
  examples?: Json;
}

interface Operation {
  readonly operationId: string;
  description?: string;
  readonly security: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { content: Record<string, BodyContent>; required?: boolean };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>>; readonly headers?: Json }>>;
}

interface RouteHooks {
  readonly detail: OperationDetail;
  readonly body?: TSchema;
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly headers?: TSchema;
}

/** What the plugin does not find: bodies, in the types that the gate takes; descriptions where a page shows them; and examples. */
function completed(paths: Json, app: AnyElysia): Json {
  const routes = new Map(app.routes.map(({ hooks }) => [(hooks as RouteHooks).detail.operationId, hooks as RouteHooks]));
  for (const [path, operations] of Object.entries(paths) as [string, Record<string, Operation>][]) {
    for (const [method, operation] of Object.entries(operations)) {
      const route = routes.get(operation.operationId) as RouteHooks;
      for (const parameter of operation.parameters ?? []) tellParameter(parameter, path, route);
      tellAnswers(operation, route.headers);
      tellBody(operation, method.toUpperCase(), route.body);
      tellCurl(operation, { method: method.toUpperCase(), path });
    }
  }
  return paths;
}

/** A header of a request, and that of the answers by which it shows. */
const SHOWN_BY: Readonly<Record<string, string>> = { "idempotency-key": "idempotency-replayed", prefer: "preference-applied" };

function tellAnswers({ operationId, parameters = [], responses }: Operation, headers: TSchema | undefined): void {
  const given = (headers?.["properties"] ?? {}) as Record<string, TSchema>;
  // No answer is kept under a key that only names the body.
  const shownBy = parameters.flatMap(({ name }) => (given[name]?.[NAMES_BODY] === true ? [] : (SHOWN_BY[name] ?? [])));
  for (const response of Object.values(responses)) {
    for (const [type, shown] of Object.entries(response.content ?? {})) {
      shown.example ??=
        TEXTS[operationId]?.[type] ??
        (isOfLines(type) ? linesOf(kindsOf(shown.schema).map((kind) => exampleOf(kind))) : exampleOf(shown.schema));
    }
    // Problems are shared, and bring none of them.
    if (response.headers !== undefined) Object.assign(response.headers, Object.fromEntries(shownBy.map((name) => [name, headerOf(name)])));
  }
}

const PLACES = { path: "params", query: "query", header: "headers" } as const;

function tellParameter(parameter: Parameter, path: string, route: RouteHooks): void {
  const { name } = parameter;
  const schema = route[PLACES[parameter.in as keyof typeof PLACES]]?.["properties"]?.[name] as TSchema;
  const noun = new RegExp(`([^/]+)/\\{${name}\\}`).exec(path)?.[1];
  const ownId = noun === undefined ? undefined : PATH_IDS[noun];
  const description = schema.description ?? (ownId === undefined ? PARAMETERS[name] : "The id from an earlier answer.");
  if (description !== undefined) parameter.description = description;
  const found = ownId ?? exampleOf(schema, name);
  const example = parameter.schema["type"] === "array" && !Array.isArray(found) ? [found] : found;
  // The page fills its form with an `example`, and nobody wants every filter at once.
  if (parameter.required) parameter.example = example;
  else parameter.schema = { ...parameter.schema, examples: [example] };
}

/** A body that is read as it comes has its types already. */
function tellBody(operation: Operation, method: string, schema: TSchema | undefined): void {
  const { requestBody } = operation;
  if (requestBody === undefined) return;
  if (schema !== undefined) {
    requestBody.required = !isBodyOptional(method, schema);
    requestBody.content = contentOf(Object.fromEntries(bodyTypes(method).map((type) => [type, schema])));
  }
  for (const [type, shown] of Object.entries(requestBody.content)) {
    const values = (shown.schema.examples ?? []) as unknown[];
    const texts = isOfLines(type) ? [linesOf(values)] : values;
    shown.examples = Object.fromEntries(texts.map((value, index) => [`example${index + 1}`, { value }]));
  }
}

/** Each line is a JSON text of the schema. */
function isOfLines(type: string): boolean {
  return type === "application/x-ndjson" || type === "application/jsonl";
}

/** What a line may be. */
function kindsOf(schema: TSchema): TSchema[] {
  return (schema["anyOf"] as TSchema[] | undefined) ?? [schema];
}

function linesOf(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

function tellCurl(operation: Operation, { method, path }: { method: string; path: string }): void {
  const { parameters = [], security, responses, requestBody } = operation;
  const [body] = Object.entries(requestBody?.content ?? {});
  const command = curlOf({
    method,
    path,
    needsToken: security.length > 0,
    parameters: parameters.filter(({ required }) => required),
    endless: Object.values(responses).some(({ content = {} }) => EVENTS_TYPE in content),
    body: body === undefined ? undefined : { type: body[0], value: exampleOf(body[1].schema) },
  });
  operation.description = [operation.description, `\`\`\`sh\n${command}\n\`\`\``].filter(Boolean).join("\n\n");
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
