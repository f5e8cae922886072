/** What a test needs of an OpenAPI document, and whether a value is what a schema of it says. */

export interface OpenapiDocument {
  readonly openapi: string;
  readonly info: { readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly tags: readonly { readonly name: string }[];
  readonly components: {
    readonly headers: Readonly<Record<string, HeaderObject>>;
    readonly responses: Readonly<Record<string, ResponseObject>>;
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, Ref | ResponseObject>>;
  readonly "x-body-bytes-max"?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Schema;
  readonly description?: string;
  readonly example?: unknown;
}

export interface MediaType {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

export interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Ref | HeaderObject>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

export interface HeaderObject {
  readonly description: string;
  readonly required?: boolean;
}

interface Ref {
  readonly $ref: string;
}

/** An operation with where it stands in the document. */
export interface Described {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function operationsOf(document: OpenapiDocument): Described[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** What an operation may answer with such a status; null when the document names none. */
export function responseTo({ responses }: Operation, status: number, { components }: OpenapiDocument): ResponseObject | null {
  const found = responses[status];
  return found === undefined ? null : referred(found, components.responses);
}

/** By their names, which are in lower case. */
export function headersOf({ headers = {} }: ResponseObject, { components }: OpenapiDocument): Map<string, HeaderObject> {
  return new Map(Object.entries(headers).map(([name, header]) => [name, referred(header, components.headers)]));
}

function referred<Found extends object>(found: Ref | Found, all: Readonly<Record<string, Found>>): Found {
  if (!("$ref" in found)) return found;
  const target = all[found.$ref.split("/").at(-1) as string];
  if (target === undefined) throw new Error(`${found.$ref} leads nowhere`);
  return target;
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly uniqueItems?: boolean;
  readonly additionalProperties?: boolean | Schema;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

/** Where `value` is not what `schema` says. A field that an object's schema does not name is wrong: the document must tell all. */
export function misfits(value: unknown, schema: Schema, { components }: OpenapiDocument, at = ""): string[] {
  const target = resolved(schema, components.schemas);
  if (target.anyOf !== undefined) {
    const tried = target.anyOf.map((each) => misfits(value, each, { components } as OpenapiDocument, at));
    return tried.some((found) => found.length === 0) ? [] : (tried.toSorted((a, b) => b.length - a.length)[0] ?? []);
  }
  if (target.const !== undefined && value !== target.const)
    return [`${at}: is ${JSON.stringify(value)}, not ${JSON.stringify(target.const)}`];
  if (target.enum !== undefined && !target.enum.includes(value))
    return [`${at}: ${JSON.stringify(value)} is none of ${target.enum.join(", ")}`];
  const types = target.type === undefined ? [] : [target.type].flat();
  if (types.length > 0 && !types.some((type) => isOf(value, type)))
    return [`${at}: is ${JSON.stringify(value)}, not ${types.join(" or ")}`];
  return [...textMisfits(value, target, at), ...memberMisfits(value, target, { components } as OpenapiDocument, at)];
}

export function resolved(schema: Schema, schemas: Readonly<Record<string, Schema>>): Schema {
  if (schema.$ref === undefined) return schema;
  const found = schemas[schema.$ref.replace("#/components/schemas/", "")];
  if (found === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return found;
}

function textMisfits(value: unknown, schema: Schema, at: string): string[] {
  const { pattern, format, minimum, maximum = Infinity, minLength = 0, maxLength = Infinity } = schema;
  const found: string[] = [];
  const length = typeof value === "string" ? Array.from(value).length : null;
  if (length !== null && (length < minLength || length > maxLength)) found.push(`${at}: has ${length} characters`);
  if (typeof value === "number" && value > maximum) found.push(`${at}: ${value} is above ${maximum}`);
  if (typeof value === "string" && pattern !== undefined && !new RegExp(pattern, "u").test(value))
    found.push(`${at}: ${value} is not ${pattern}`);
  if (typeof value === "string" && format === "date-time" && new Date(value).toISOString() !== value)
    found.push(`${at}: ${value} is no UTC time`);
  if (typeof value === "number" && minimum !== undefined && value < minimum) found.push(`${at}: ${value} is below ${minimum}`);
  return found;
}

function memberMisfits(value: unknown, schema: Schema, document: OpenapiDocument, at: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => misfits(item, schema.items ?? {}, document, `${at}/${index}`));
  if (typeof value !== "object" || value === null) return [];
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}/${name}: is missing`);
  const present = Object.entries(value).flatMap(([name, member]) => {
    const pattern = Object.keys(schema.patternProperties ?? {}).find((each) => new RegExp(each, "u").test(name));
    const own = schema.properties?.[name] ?? (pattern === undefined ? undefined : schema.patternProperties?.[pattern]);
    if (own !== undefined) return misfits(member, own, document, `${at}/${name}`);
    return schema.properties === undefined ? [] : [`${at}/${name}: is not in the document`];
  });
  return [...missing, ...present];
}

function isOf(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
