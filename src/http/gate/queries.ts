import type { TSchema } from "@sinclair/typebox";
import type { FieldError } from "../../domain/fault";

export interface ReadQuery {
  readonly query: Readonly<Record<string, unknown>>;
  readonly errors: readonly FieldError[];
}

/**
 * The parameters of a query string, typed as their schema wants them: digits become a number where it asks for one, and only a list may
 * be given more than once. (Elysia's own reader splits a list's values at commas.) What a value must be like is checked by the schema.
 */
export function readQuery(search: string, schema: TSchema | null): ReadQuery {
  // An object of its own: Elysia sets the defaults of what was not given in it.
  if (search === "") return { query: {}, errors: [] };
  const properties = (schema?.["properties"] ?? {}) as Readonly<Record<string, TSchema>>;
  const query: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  const given = new URLSearchParams(search);
  for (const name of new Set(given.keys())) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const values = given.getAll(name);
    if (property === undefined) errors.push({ pointer: `/${name}`, message: "is not a parameter of this operation" });
    else if (property["type"] === "array") query[name] = values;
    else if (values.length > 1) errors.push({ pointer: `/${name}`, message: "is given more than once" });
    else query[name] = property["type"] === "integer" ? toInteger(values[0] as string) : values[0];
  }
  return { query, errors };
}

function toInteger(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}
