import { type Static, Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import type { FieldError } from "../domain/fault";
import { overflowIn, TOO_LARGE } from "../domain/overflow";
import {
  HEARTBEAT_SECONDS_MAX,
  HEARTBEAT_SECONDS_MIN,
  METADATA_BYTES_MAX,
  partitionOf,
  type Sensor as SensorFacts,
  SENSOR_NAME_CHARS_MAX,
} from "../domain/sensor";
import { AVAILABILITIES, SEVERITIES } from "../domain/severity";
import type { SensorDraft, SensorRecord } from "../store/store";
import { fieldErrorsOf } from "./fieldErrors";
import { Labels, nullable, oneOf, SensorId, TEXT_PATTERN, Time, timeOf, timeOrNull } from "./fields";
import { mergePatch } from "./mergePatch";
import { invalid } from "./problems";
import { etagOf } from "./versions";

const NAME = { minLength: 1, maxLength: SENSOR_NAME_CHARS_MAX, pattern: TEXT_PATTERN };
const Name = Type.String({ ...NAME, description: "Default: the id." });
const Metadata = Type.Record(Type.String(), Type.Unknown(), {
  description: `Anything else worth knowing; at most ${METADATA_BYTES_MAX} bytes of JSON.`,
});
const Seconds = { maximum: HEARTBEAT_SECONDS_MAX };
const Interval = Type.Integer({ minimum: 1, ...Seconds, description: "How often it reports." });
const Grace = Type.Integer({ minimum: 0, ...Seconds, description: "How late a report may be; the default is 0." });

const Heartbeat = Type.Object(
  { intervalSeconds: Interval, graceSeconds: Type.Optional(Grace) },
  {
    additionalProperties: false,
    description: `A sensor that is silent for longer than both together (at least ${HEARTBEAT_SECONDS_MIN} s) is offline.`,
    examples: [{ intervalSeconds: 30, graceSeconds: 10 }],
  },
);

/** What an operator may set. */
const Settings = {
  name: Type.Optional(Name),
  labels: Type.Optional(Labels),
  metadata: Type.Optional(Metadata),
  heartbeat: Type.Optional(nullable(Heartbeat)),
};

const EXAMPLE = {
  id: "boiler-7",
  name: "Boiler 7",
  labels: { site: "north" },
  metadata: {},
  heartbeat: { intervalSeconds: 30, graceSeconds: 10 },
};

export const SensorCreation = Type.Object(
  { id: SensorId, ...Settings },
  { $id: "SensorCreation", additionalProperties: false, examples: [EXAMPLE] },
);
export const SensorReplacement = Type.Object(
  { id: Type.Optional(SensorId), ...Settings },
  {
    $id: "SensorReplacement",
    additionalProperties: false,
    examples: [EXAMPLE],
    description: "Fields that are left out are reset. An `id` must equal the one in the path.",
  },
);
type SensorReplacement = Static<typeof SensorReplacement>;
const replacements = TypeCompiler.Compile(SensorReplacement);

export const SensorPatch = Type.Object(
  {
    name: Type.Optional(nullable(Type.String(NAME), { description: "Null: the id." })),
    labels: Type.Optional(
      nullable(
        Type.Record(Type.String(), nullable(Type.String()), {
          description: "Null removes a label.",
          examples: [{ site: "south", room: null }],
        }),
      ),
    ),
    metadata: Type.Optional(nullable(Metadata)),
    heartbeat: Type.Optional(
      nullable(
        Type.Object(
          { intervalSeconds: Type.Optional(Interval), graceSeconds: Type.Optional(nullable(Grace)) },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  {
    $id: "SensorPatch",
    additionalProperties: false,
    description: "JSON Merge Patch (RFC 7396): null removes, objects are merged.",
    examples: [{ labels: { site: "south" }, heartbeat: null }],
  },
);
export type SensorPatch = Static<typeof SensorPatch>;

export const Sensor = Type.Object(
  {
    id: SensorId,
    name: Type.String(),
    labels: Type.Record(Type.String(), Type.String()),
    metadata: Type.Record(Type.String(), Type.Unknown()),
    heartbeat: nullable(Type.Object({ intervalSeconds: Type.Integer(), graceSeconds: Type.Integer() })),
    state: Type.Object({
      status: nullable(Type.String()),
      severity: nullable(oneOf(SEVERITIES)),
      availability: oneOf(AVAILABILITIES),
      since: nullable(Time, { description: "When its last change occurred; null before the first." }),
      lastReportedAt: nullable(Time, { description: "The time of its newest report: the sensor's own, where it named an earlier one." }),
      lastReceivedAt: nullable(Time, { description: "When the broker had its last report." }),
      revision: Type.Integer({ description: "The number of its last change; 0 before the first." }),
    }),
    createdAt: Time,
    updatedAt: Time,
    version: Type.Integer({
      description: "Counts edits, and continues if the id is deleted and registered again; the `ETag` begins with it.",
    }),
  },
  { $id: "Sensor" },
);
export type Sensor = Static<typeof Sensor>;

/** Moves with everything that a sensor shows: its version with edits and over its lives, the rest with each report and each change. */
export function sensorEtagOf({ sensor: { version }, state: { revision, lastReceivedAt, lastReportedAt } }: SensorRecord): string {
  if (lastReceivedAt === null) return etagOf(version);
  // Two reports of one millisecond can differ in this alone.
  const earlierMs = lastReceivedAt - (lastReportedAt ?? 0);
  const reported = earlierMs === 0 ? "" : `-${earlierMs.toString(36)}`;
  return `"${version}.${revision}-${lastReceivedAt.toString(36)}${reported}"`;
}

export function sensorView({ sensor, state }: SensorRecord): Sensor {
  const { id, name, labels, metadata, heartbeat, createdAt, updatedAt, version } = sensor;
  const { status, severity, availability, revision } = state;
  const [since, lastReportedAt, lastReceivedAt] = [state.since, state.lastReportedAt, state.lastReceivedAt].map(timeOrNull) as [
    string | null,
    string | null,
    string | null,
  ];
  return {
    id,
    name,
    labels,
    metadata,
    heartbeat,
    state: { status, severity, availability, since, lastReportedAt, lastReceivedAt, revision },
    createdAt: timeOf(createdAt),
    updatedAt: timeOf(updatedAt),
    version,
  };
}

/** Throws a 422 for what the fields' own rules cannot say. */
export function draftOf(id: string, settings: SensorReplacement, partitions: number): SensorDraft {
  const { name = id, labels = {}, metadata = {}, heartbeat = null } = settings;
  const { intervalSeconds, graceSeconds = 0 } = heartbeat ?? { intervalSeconds: HEARTBEAT_SECONDS_MIN };
  const errors: FieldError[] = [];
  if (settings.id !== undefined && settings.id !== id) errors.push({ pointer: "/id", message: `must be the path's, ${id}` });
  if (intervalSeconds + graceSeconds < HEARTBEAT_SECONDS_MIN) {
    errors.push({ pointer: "/heartbeat/intervalSeconds", message: `interval and grace together are at least ${HEARTBEAT_SECONDS_MIN} s` });
  }
  errors.push(...metadataErrors(metadata));
  if (errors.length > 0) throw invalid("The sensor is not valid.", errors);
  return {
    id,
    partition: partitionOf(id, partitions),
    name,
    labels,
    metadata,
    heartbeat: heartbeat === null ? null : { intervalSeconds, graceSeconds },
  };
}

function metadataErrors(metadata: Readonly<Record<string, unknown>>): FieldError[] {
  const overflow = overflowIn(metadata);
  if (overflow !== null) return [{ pointer: `/metadata${overflow}`, message: TOO_LARGE }];
  const text = JSON.stringify(metadata);
  const bytes = Buffer.byteLength(text);
  if (bytes > METADATA_BYTES_MAX)
    return [{ pointer: "/metadata", message: `takes ${bytes} bytes, but may take at most ${METADATA_BYTES_MAX}` }];
  // Written out, U+0000 and half a surrogate pair are escaped: \u0000, \udXXX. A backslash of the text itself is doubled.
  const broken = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/.test(text);
  return broken ? [{ pointer: "/metadata", message: "contains a character that is not allowed (U+0000 or an unpaired surrogate)" }] : [];
}

/** What a sensor is to be after a patch. Throws a 422. */
export function patched(sensor: SensorFacts, patch: SensorPatch, partitions: number): SensorDraft {
  const { id, name, labels, metadata, heartbeat } = sensor;
  const merged = mergePatch({ name, labels, metadata, heartbeat }, patch);
  if (!replacements.Check(merged)) throw invalid("The patch does not give a valid sensor.", fieldErrorsOf(replacements.Errors(merged)));
  return draftOf(id, merged, partitions);
}
