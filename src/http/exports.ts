import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ChangeData } from "../domain/change";
import { refusingClause } from "../domain/filter";
import { isWithin } from "../domain/reach";
import type { HistoryStore, Page, SensorRecord, SensorStore } from "../store/store";
import type { Call, Calls } from "./calls";
import { ChangeFilterFields, changeFilterOf } from "./changeFilter";
import { Change } from "./changeModel";
import { type Cell, CSV_TYPE, csvLine } from "./csv";
import { createExports, EXPORTS_AT_ONCE_MAX, EXPORTS_PER_CALLER_MAX, type ExportFormat } from "./exportStream";
import type { AnswerFailure } from "./failures";
import { oneOf, RangeFields, rangeOf } from "./fields";
import { operation } from "./document/operation";
import { Sensor, sensorView } from "./sensorModel";
import { SensorFilterFields, sensorQueryOf } from "./sensorFilter";

const FORMATS = ["ndjson", "csv"] as const;
type FormatName = (typeof FORMATS)[number];
const NDJSON_TYPE = "application/x-ndjson";

const Format = Type.Optional(
  oneOf(FORMATS, { description: "Goes before the header `Accept`, which may name one of the two types; left out, `ndjson`." }),
);
const SensorsQuery = Type.Object({ ...SensorFilterFields, format: Format }, { additionalProperties: false });
const ChangesQuery = Type.Object({ ...ChangeFilterFields, ...RangeFields, format: Format }, { additionalProperties: false });

export interface ExportsApiOptions {
  readonly calls: Calls;
  readonly store: Pick<SensorStore, "listSensors"> & Pick<HistoryStore, "listChanges">;
  readonly answerFailure: AnswerFailure;
}

/** Under paths that no sensor's id can have. */
export function exportsApi({ store, calls, answerFailure }: ExportsApiOptions) {
  const exports = createExports({ answerFailure });
  return new Elysia({ name: "exports" })
    .get(
      "/v1/exports/sensors",
      ({ query, request }) => {
        const call = calls.get(request) as Call;
        const { reach = null } = call.caller ?? {};
        const wanted = sensorQueryOf(query, reach);
        return exports.open({
          name: "sensors",
          format: SENSOR_FORMATS[formatOf(query.format, request)],
          call,
          page: async (page) => (wanted === null ? NONE : store.listSensors(wanted, page)),
        });
      },
      { query: SensorsQuery, ...SENSORS },
    )
    .get(
      "/v1/exports/changes",
      ({ query, request }) => {
        const call = calls.get(request) as Call;
        const { reach = null } = call.caller ?? {};
        const filter = changeFilterOf(query as Parameters<typeof changeFilterOf>[0]);
        const wanted = { range: rangeOf(query), order: "asc" } as const;
        const isWanted = (change: ChangeData) =>
          refusingClause(filter, change) === null && isWithin(reach, { id: change.sensorId, labels: change.sensor.labels });
        return exports.open({
          name: "changes",
          format: CHANGE_FORMATS[formatOf(query.format, request)],
          call,
          page: async (page) => only(await store.listChanges(wanted, page), isWanted),
        });
      },
      { query: ChangesQuery, ...CHANGES },
    );
}

const NONE: Page<never> = { items: [], nextCursor: null };

function only<Row>({ items, nextCursor }: Page<Row>, isWanted: (row: Row) => boolean): Page<Row> {
  return { items: items.filter(isWanted), nextCursor };
}

function formatOf(named: FormatName | undefined, { headers }: Request): FormatName {
  if (named !== undefined) return named;
  const accepted = (headers.get("accept") ?? "").toLowerCase().split(",").map(weighted);
  const weightOf = (type: string) => Math.max(0, ...accepted.filter((each) => each.type === type).map(({ weight }) => weight));
  return weightOf("text/csv") > weightOf(NDJSON_TYPE) ? "csv" : "ndjson";
}

/** RFC 9110, section 12.5.1. */
function weighted(part: string): { type: string; weight: number } {
  const [type = "", ...parameters] = part.split(";").map((each) => each.trim());
  const weight = Number(parameters.find((each) => each.startsWith("q="))?.slice(2) ?? 1);
  return { type, weight: Number.isNaN(weight) ? 0 : weight };
}

/** The columns of a CSV file, in their order. */
type Columns<Row> = readonly (readonly [name: string, cellOf: (row: Row) => Cell])[];

function formatsOf<Row>(viewOf: (row: Row) => unknown, columns: Columns<Row>): Record<FormatName, ExportFormat<Row>> {
  return {
    ndjson: {
      type: NDJSON_TYPE,
      extension: "ndjson",
      head: "",
      lineOf: (row) => `${JSON.stringify(viewOf(row))}\n`,
      failureLineOf: (problem) => `{"error":${problem}}\n`,
    },
    csv: {
      type: CSV_TYPE,
      extension: "csv",
      head: csvLine(columns.map(([name]) => name)),
      lineOf: (row) => csvLine(columns.map(([, cellOf]) => cellOf(row))),
      failureLineOf: null,
    },
  };
}

function json(value: unknown): Cell {
  return value === null ? null : JSON.stringify(value);
}

const viewed = (cellOf: (sensor: Sensor) => Cell) => (record: SensorRecord) => cellOf(sensorView(record));

const SENSOR_FORMATS = formatsOf<SensorRecord>(sensorView, [
  ["id", ({ sensor }) => sensor.id],
  ["name", ({ sensor }) => sensor.name],
  ["labels", ({ sensor }) => json(sensor.labels)],
  ["metadata", ({ sensor }) => json(sensor.metadata)],
  ["heartbeatIntervalSeconds", ({ sensor }) => sensor.heartbeat?.intervalSeconds ?? null],
  ["heartbeatGraceSeconds", ({ sensor }) => sensor.heartbeat?.graceSeconds ?? null],
  ["status", ({ state }) => state.status],
  ["severity", ({ state }) => state.severity],
  ["availability", ({ state }) => state.availability],
  ["since", viewed(({ state }) => state.since)],
  ["lastReportedAt", viewed(({ state }) => state.lastReportedAt)],
  ["lastReceivedAt", viewed(({ state }) => state.lastReceivedAt)],
  ["revision", ({ state }) => state.revision],
  ["createdAt", viewed(({ createdAt }) => createdAt)],
  ["updatedAt", viewed(({ updatedAt }) => updatedAt)],
  ["version", ({ sensor }) => sensor.version],
]);

const CHANGE_FORMATS = formatsOf<ChangeData>(
  (change) => change,
  [
    ["changeId", ({ changeId }) => changeId],
    ["sensorId", ({ sensorId }) => sensorId],
    ["sensorName", ({ sensor }) => sensor.name],
    ["sensorLabels", ({ sensor }) => json(sensor.labels)],
    ["revision", ({ revision }) => revision],
    ["kind", ({ kind }) => kind],
    ["fromStatus", ({ from }) => from.status],
    ["fromSeverity", ({ from }) => from.severity],
    ["fromAvailability", ({ from }) => from.availability],
    ["toStatus", ({ to }) => to.status],
    ["toSeverity", ({ to }) => to.severity],
    ["toAvailability", ({ to }) => to.availability],
    ["cause", ({ cause }) => cause],
    ["occurredAt", ({ occurredAt }) => occurredAt],
    ["detectedAt", ({ detectedAt }) => detectedAt],
    ["previousDurationMs", ({ previousDurationMs }) => previousDurationMs],
    ["value", ({ report }) => report?.value ?? null],
    ["message", ({ report }) => report?.message ?? null],
    ["attributes", ({ report }) => json(report?.attributes ?? null)],
  ],
);

const WHOLE =
  "One item per line, as NDJSON or CSV with a header. It is read while it is sent: each line is whole, but they are not all of one moment. " +
  "An export that cannot be completed is cut off, so that HTTP clients fail; in NDJSON the last line is then a Problem under `error`. At " +
  `most ${EXPORTS_AT_ONCE_MAX} run on a node at once, ${EXPORTS_PER_CALLER_MAX} of one caller.`;
const FILE_HEADERS = { "content-disposition": "A name for the file." };

const SENSORS = operation({
  id: "exportSensors",
  tag: "Sensors",
  summary: "All sensors as a file, by id",
  description: WHOLE,
  scope: "sensors:read",
  answers: {
    200: { description: "The sensors.", schema: Sensor, type: NDJSON_TYPE, otherTypes: ["text/csv"], headers: FILE_HEADERS },
  },
  problems: [429],
});
const CHANGES = operation({
  id: "exportChanges",
  tag: "Changes",
  summary: "All changes as a file, oldest first",
  description: `${WHOLE}\n\n\`since\` and \`until\` count by when a change was recorded; the other parameters filter as a webhook's filter does.`,
  scope: "sensors:read",
  answers: {
    200: { description: "The changes.", schema: Change, type: NDJSON_TYPE, otherTypes: ["text/csv"], headers: FILE_HEADERS },
  },
  problems: [429],
});
