import type { AnyOf, SensorQuery } from "./store";

/** A filter whose index a list of sensors can go along. Of several values each has its own part of the index, ordered by id. */
export type Lead =
  | { readonly by: "id"; readonly value: string }
  | { readonly by: "label"; readonly key: string; readonly value: string }
  | { readonly by: StateColumn; readonly values: readonly string[] };
export type StateColumn = "status" | "severity" | "availability";

/** What is gone along: a filter, all sensors (null), or ids that were found by their texts. */
export type Path = Lead | { readonly by: "text"; readonly ids: readonly string[] } | null;

/** What lies ahead along a path. */
export interface Stretch {
  /** The first id; null when there is none. */
  readonly first: string | null;
  /** The id that so many steps lead to; null when they lead beyond the last. */
  readonly to: string | null;
  /** How many ids lie between, both counted. */
  readonly count: number;
}

/** Up to which id those that may hold a text are known, null for all. */
export interface FoundByText {
  readonly ids: readonly string[];
  readonly to: string | null;
}

/** Ids from `begins` as far as `to` along a path. */
export interface Slice {
  readonly path: Path;
  readonly begins: string;
  readonly to: string | null;
}

/** The values of which any will do, each once; undefined when all do. */
export function choicesOf<Value extends string>(given: AnyOf<Value> | undefined): readonly Value[] | undefined {
  if (given === undefined) return undefined;
  return typeof given === "string" ? [given] : [...new Set(given)];
}

/** `pending` is the lack of a state, and no index knows of it. */
export function leadsOf({ id, labels, ...query }: SensorQuery): Lead[] {
  if (id !== undefined) return [{ by: "id", value: id }];
  const leads: Lead[] = Object.entries(statesAsked(query)).map(([by, values]) => ({ by: by as StateColumn, values }));
  for (const [key, value] of Object.entries(labels ?? {})) leads.push({ by: "label", key, value });
  return leads;
}

/** The values of a state that an index can tell, by column. */
export function statesAsked({ status, severity, availability }: SensorQuery): Partial<Record<StateColumn, readonly string[]>> {
  const asked: Partial<Record<StateColumn, readonly string[]>> = {};
  for (const [column, given] of Object.entries({ status, severity, availability })) {
    const values: readonly string[] | undefined = choicesOf(given);
    const known = column !== "availability" || values?.includes("pending") !== true;
    if (values !== undefined && known) asked[column as StateColumn] = values;
  }
  return asked;
}
