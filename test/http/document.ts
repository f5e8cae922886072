/** What a test needs of an OpenAPI document, and whether a value is what a schema of it says. */

export interface OpenapiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly tags: readonly { readonly name: string }[];
  readonly components: { readonly schemas: Readonly<Record<string, Schema>>; readonly securitySchemes: Readonly<Record<string, unknown>> };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly headers?: object; readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }
    >
  >;
  readonly "x-body-bytes-max"?: number;
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

function textMisfits(value: unknown, { pattern, format, minimum }: Schema, at: string): string[] {
  const found: string[] = [];
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
