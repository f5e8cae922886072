/** Which sensors a list is asked for, as a query says it and as far as a token reaches. */
import { type TSchema, Type } from "@sinclair/typebox";
import type { Reach } from "../domain/reach";
import { STATUS_PATTERN } from "../domain/report";
import { AVAILABILITIES, type Availability, SEVERITIES, type Severity } from "../domain/severity";
import type { SensorQuery } from "../store/store";
import { oneOf, TEXT_PATTERN } from "./fields";
import { LabelFilter, labelsOf } from "./labelQuery";

const SEARCH_CHARS_MAX = 256;
const STATUSES_MAX = 32;

/** Parameters that may repeat. */
function anyOf<Value extends string>(items: TSchema, maxItems: number) {
  const description = "May repeat: any of them.";
  return Type.Optional(Type.Unsafe<Value[]>(Type.Array(items, { minItems: 1, maxItems, description })));
}

export const SensorFilterFields = {
  status: anyOf<string>(Type.String({ pattern: STATUS_PATTERN }), STATUSES_MAX),
  severity: anyOf<Severity>(oneOf(SEVERITIES), SEVERITIES.length),
  availability: anyOf<Availability>(oneOf(AVAILABILITIES), AVAILABILITIES.length),
  label: LabelFilter,
  q: Type.Optional(
    Type.String({ maxLength: SEARCH_CHARS_MAX, pattern: TEXT_PATTERN, description: "Text in id or name, whatever its case." }),
  ),
};

export interface SensorFilter {
  readonly status?: readonly string[];
  readonly severity?: readonly Severity[];
  readonly availability?: readonly Availability[];
  readonly label?: readonly string[];
  readonly q?: string;
}

/** Null where the filter lets none through that is within reach. Throws a 422. */
export function sensorQueryOf({ status, severity, availability, label, q }: SensorFilter, reach: Reach | null): SensorQuery | null {
  const query = { status, severity, availability, q, ...labelsOf(label) };
  if (reach === null) return query;
  if ("sensorId" in reach) return { ...query, id: reach.sensorId };
  const labels = new Map(Object.entries(query.labels ?? {}));
  for (const [key, value] of Object.entries(reach.labels)) {
    if ((labels.get(key) ?? value) !== value) return null;
    labels.set(key, value);
  }
  return { ...query, labels: Object.fromEntries(labels) };
}
