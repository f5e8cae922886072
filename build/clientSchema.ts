/** `npm run client`: the types of the client, from the document of the API. */
import { join } from "node:path";
import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";
import { documentOfApi } from "./document";

export const SCHEMA_FILE = join(import.meta.dir, "../src/client/schema.ts");

const HEAD = "/** Made from the OpenAPI document by `npm run client`: edit what the document is made from, not this. */\n";

type Json = Record<string, unknown>;

/** The text of src/client/schema.ts. */
export async function clientSchema(): Promise<string> {
  const document = slim(JSON.parse(documentOfApi()) as Json);
  const types = astToString(
    await openapiTS(document as unknown as OpenAPI3, { rootTypes: true, rootTypesNoSchemaPrefix: true, defaultNonNullable: false }),
  );
  return HEAD + types;
}

/** What a caller needs of it: what to send, and what a success gives. Problems are all alike, and calls by curl are for the page. */
function slim(document: Json): Json {
  const paths = Object.fromEntries(
    Object.entries(document["paths"] as Record<string, Record<string, Json>>).map(([path, operations]) => [
      path,
      Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, slimOperation(operation)])),
    ]),
  );
  const { schemas } = document["components"] as Json;
  return { ...document, paths, components: { schemas: withoutExamples(schemas) } };
}

function slimOperation({ description, responses, parameters, requestBody, ...operation }: Json): Json {
  const successes = Object.entries(responses as Record<string, Json>).filter(([status]) => status.startsWith("2"));
  const said = String(description).replace(/\n*```sh\n[\s\S]*?```/, "");
  return {
    ...operation,
    ...(said === "" ? {} : { description: said }),
    ...(parameters === undefined ? {} : { parameters: withoutExamples(parameters) }),
    ...(requestBody === undefined ? {} : { requestBody: withoutExamples(requestBody) }),
    responses: Object.fromEntries(successes.map(([status, { headers: _headers, ...answer }]) => [status, withoutExamples(answer)])),
  };
}

function withoutExamples(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutExamples);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name, member]) => name !== "example" && !(name === "examples" && isExamples(member)));
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutExamples(member)]));
}

/** A property may be called so, too; then it is a schema. */
function isExamples(member: unknown): boolean {
  return (
    Array.isArray(member) || Object.values(member as Json).every((each) => typeof each === "object" && each !== null && "value" in each)
  );
}

if (import.meta.main) {
  await Bun.write(SCHEMA_FILE, await clientSchema());
  console.log("src/client/schema.ts is written");
}
