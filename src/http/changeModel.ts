import { Type } from "@sinclair/typebox";
import { CHANGE_CAUSES, CHANGE_KINDS } from "../domain/change";
import { CHANGE_CURSOR_CHARS_MAX } from "../domain/changeCursor";
import { AVAILABILITIES, SEVERITIES } from "../domain/severity";
import { nullable, oneOf, pageSchema, SensorId } from "./fields";

const Condition = Type.Object(
  { status: nullable(Type.String()), severity: nullable(oneOf(SEVERITIES)), availability: oneOf(AVAILABILITIES) },
  { $id: "Condition" },
);

export const Change = Type.Object(
  {
    changeId: Type.String({ description: "Identifies the change everywhere: in deliveries, reports and explanations." }),
    sensorId: SensorId,
    sensor: Type.Object(
      { name: Type.String(), labels: Type.Record(Type.String(), Type.String()) },
      { description: "As it was at that moment." },
    ),
    revision: Type.Integer({ description: "Counts the sensor's changes from 1, without gaps." }),
    kind: oneOf(CHANGE_KINDS, { description: "`status`: the status or its severity moved. Else `availability`." }),
    from: Condition,
    to: Condition,
    cause: oneOf(CHANGE_CAUSES, { description: "`timeout`: a missed heartbeat." }),
    occurredAt: Type.String({ format: "date-time", description: "The time of its report, or the deadline that was missed." }),
    detectedAt: Type.String({ format: "date-time", description: "When the service found out." }),
    previousDurationMs: nullable(Type.Number(), { description: "How long the state in `from` had lasted; null for the first change." }),
    report: nullable(
      Type.Object({
        value: nullable(Type.Number()),
        message: nullable(Type.String()),
        attributes: nullable(Type.Record(Type.String(), Type.Unknown())),
      }),
      { description: "From the report that caused it; null if no report did." },
    ),
  },
  { $id: "Change", description: "The `data` of a webhook." },
);

const CURSOR_PATTERN = `[A-Za-z0-9_-]{1,${CHANGE_CURSOR_CHARS_MAX}}`;

/** A cursor of changes, as a parameter. */
export const GivenChangeCursor = Type.String({
  pattern: `^${CURSOR_PATTERN}$`,
  description: "The `cursor` or `nextCursor` of a list of changes, or the id of an event of the live stream.",
  examples: ["c1Kg"],
});

/** A browser sends an empty one where it has none. */
export const LastEventId = Type.String({
  pattern: `^(${CURSOR_PATTERN})?$`,
  description: "The id of the last event that was received: the stream goes on behind it. Goes before `cursor`.",
  examples: ["c1Kg"],
});

export const ChangePage = Type.Object({
  ...pageSchema(Change).properties,
  cursor: Type.String({
    description:
      "Behind the newest change that this page has come to: ask the list with it later, or the live stream, and see every later change once.",
  }),
});
