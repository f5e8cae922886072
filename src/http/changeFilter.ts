/** Which changes a list, a stream or an export is asked for: the filter of a webhook, as a query can say it. */
import { Type, type TSchema } from "@sinclair/typebox";
import { CHANGE_KINDS, type ChangeKind } from "../domain/change";
import { STATUS_PATTERN } from "../domain/report";
import { SENSOR_ID_PATTERN } from "../domain/sensor";
import { DIRECTIONS, type Direction, type Filter, FILTER_ITEMS_MAX } from "../domain/webhook";
import { oneOf } from "./fields";
import { LabelFilter, labelsOf } from "./labelQuery";

const MIN_SEVERITIES = ["ok", "warning", "critical"] as const;

/** Parameters that may repeat. */
function listOf(items: TSchema, description: string) {
  return Type.Optional(Type.Unsafe<string[]>(Type.Array(items, { minItems: 1, maxItems: FILTER_ITEMS_MAX, description })));
}

export const ChangeFilterFields = {
  sensorId: listOf(Type.String({ pattern: SENSOR_ID_PATTERN }), "Of this sensor; may repeat, any of them."),
  label: LabelFilter,
  kind: listOf(oneOf(CHANGE_KINDS), "What moved; may repeat, any of them."),
  from: listOf(Type.String({ pattern: STATUS_PATTERN, examples: ["ok"] }), "The status before; may repeat, any of them."),
  to: listOf(Type.String({ pattern: STATUS_PATTERN, examples: ["overheated"] }), "The status after; may repeat, any of them."),
  minSeverity: Type.Optional(oneOf(MIN_SEVERITIES, { description: "Reached before or after; `unknown` always passes." })),
  direction: Type.Optional(oneOf(DIRECTIONS, { description: "Whether the severity went up or down." })),
};

export interface ChangeFilterQuery {
  readonly sensorId?: readonly string[];
  readonly label?: readonly string[];
  readonly kind?: readonly string[];
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly minSeverity?: Exclude<Filter["minSeverity"], undefined>;
  readonly direction?: Direction;
}

/** Whoever looks sees first reports, too, also those that are `ok`. Throws a 422. */
export function changeFilterOf(query: ChangeFilterQuery): Filter {
  const { sensorId, kind, from, to, minSeverity, direction } = query;
  return {
    initial: true,
    ...labelsOf(query.label),
    ...(sensorId === undefined ? {} : { sensorIds: sensorId }),
    ...(kind === undefined ? {} : { kinds: kind as readonly ChangeKind[] }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(minSeverity === undefined ? {} : { minSeverity }),
    ...(direction === undefined ? {} : { direction }),
  };
}
