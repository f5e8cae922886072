import type { SensorQuery } from "./store";

/** How far the sensors that a filter lets through are counted: beyond that one filter is as good as another. */
export const COUNTED_MAX = 1000;

/** The filter whose index a list of sensors goes along. */
export type Lead =
  { readonly by: "label"; readonly key: string; readonly value: string } | { readonly by: StateColumn; readonly value: string };
export type StateColumn = "status" | "severity" | "availability";

/** `pending` is the lack of a state, and no index knows of it. */
export function leadsOf({ status, severity, availability, labels }: SensorQuery): Lead[] {
  const leads: Lead[] = [];
  if (status !== undefined) leads.push({ by: "status", value: status });
  if (severity !== undefined) leads.push({ by: "severity", value: severity });
  if (availability !== undefined && availability !== "pending") leads.push({ by: "availability", value: availability });
  for (const [key, value] of Object.entries(labels ?? {})) leads.push({ by: "label", key, value });
  return leads;
}
