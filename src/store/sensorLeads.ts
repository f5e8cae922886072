import type { AnyOf, SensorQuery } from "./store";

/** How far the sensors that a filter lets through are counted: beyond that one filter is as good as another. */
export const COUNTED_MAX = 1000;

/** The filter whose index a list of sensors goes along. Of several values each has its own part of the index, ordered by id. */
export type Lead =
  | { readonly by: "id"; readonly value: string }
  | { readonly by: "label"; readonly key: string; readonly value: string }
  | { readonly by: StateColumn; readonly values: readonly string[] };
export type StateColumn = "status" | "severity" | "availability";

/** The values of which any will do, each once; undefined when all do. */
export function choicesOf<Value extends string>(given: AnyOf<Value> | undefined): readonly Value[] | undefined {
  if (given === undefined) return undefined;
  return typeof given === "string" ? [given] : [...new Set(given)];
}

/** `pending` is the lack of a state, and no index knows of it. */
export function leadsOf({ id, status, severity, availability, labels }: SensorQuery): Lead[] {
  if (id !== undefined) return [{ by: "id", value: id }];
  const leads: Lead[] = [];
  for (const [by, given] of Object.entries({ status, severity, availability })) {
    const values: readonly string[] | undefined = choicesOf(given);
    if (values !== undefined && (by !== "availability" || !values.includes("pending"))) leads.push({ by: by as StateColumn, values });
  }
  for (const [key, value] of Object.entries(labels ?? {})) leads.push({ by: "label", key, value });
  return leads;
}
