import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { Fault, isFault } from "../domain/fault";
import { STATUS_PATTERN } from "../domain/report";
import { AVAILABILITIES, SEVERITIES } from "../domain/severity";
import type { SensorQuery, SensorRecord, SensorStore } from "../store/store";
import type { Calls } from "./calls";
import { oneOf, PageFields, pageOf, pageSchema, pageView, SensorParams, TEXT_PATTERN } from "./fields";
import { IdempotencyKey } from "./idempotency";
import { LabelFilter, labelsOf } from "./labelQuery";
import { operation } from "./operation";
import type { ReadSensor } from "./ports";
import { sensorAnswer } from "./sensorAnswer";
import { draftOf, patched, Sensor, SensorCreation, SensorPatch, SensorReplacement, sensorView } from "./sensorModel";
import { ETAG_HEADER, etagOf, IfMatch, onVersion } from "./versions";

/** An edit that met another is done again on what that one left. */
const PATCH_TRIES = 5;
const SEARCH_CHARS_MAX = 256;

/** Which sensors a list or an export is asked for. */
export const SensorFilterFields = {
  status: Type.Optional(Type.String({ pattern: STATUS_PATTERN })),
  severity: Type.Optional(oneOf(SEVERITIES)),
  availability: Type.Optional(oneOf(AVAILABILITIES)),
  label: LabelFilter,
  q: Type.Optional(
    Type.String({ maxLength: SEARCH_CHARS_MAX, pattern: TEXT_PATTERN, description: "Text in id or name, whatever its case." }),
  ),
};
const SensorFilter = Type.Object(SensorFilterFields);
const SensorsQuery = Type.Object({ ...SensorFilterFields, ...PageFields }, { additionalProperties: false });

/** Throws a 422. */
export function sensorQueryOf({ status, severity, availability, q, label }: Static<typeof SensorFilter>): SensorQuery {
  return { status, severity, availability, q, ...labelsOf(label) };
}

export interface SensorsOptions {
  readonly calls: Calls;
  readonly readSensor: ReadSensor;
  readonly store: SensorStore;
  readonly partitions: number;
}

export function sensors({ store, readSensor, partitions }: SensorsOptions) {
  return new Elysia({ name: "sensors" })
    .get(
      "/v1/sensors",
      async ({ query }) => {
        const page = await store.listSensors(sensorQueryOf(query), pageOf(query));
        return pageView(page, sensorView);
      },
      { query: SensorsQuery, ...LIST },
    )
    .post(
      "/v1/sensors",
      async ({ body, set }) => {
        const record = await store.createSensor(draftOf(body.id, body, partitions));
        set.status = 201;
        set.headers["location"] = `/v1/sensors/${body.id}`;
        return versioned(record, set.headers);
      },
      { headers: IdempotencyKey, body: SensorCreation, ...CREATE },
    )
    .get("/v1/sensors/:id", async ({ params: { id } }) => sensorAnswer(found(id, await readSensor(id))), {
      params: SensorParams,
      ...GET,
    })
    .put(
      "/v1/sensors/:id",
      async ({ params: { id }, body, headers, set }) => {
        const draft = draftOf(id, body, partitions);
        return versioned(await onVersion(headers["if-match"], (wanted) => store.updateSensor(draft, wanted)), set.headers);
      },
      { params: SensorParams, headers: IfMatch, body: SensorReplacement, ...REPLACE },
    )
    .patch(
      "/v1/sensors/:id",
      async ({ params: { id }, body, headers, set }) => {
        const edit = (wanted: number | null) => patch({ store, partitions }, id, { patch: body, wanted });
        return versioned(await onVersion(headers["if-match"], edit), set.headers);
      },
      { params: SensorParams, headers: IfMatch, body: SensorPatch, ...PATCH },
    )
    .delete(
      "/v1/sensors/:id",
      async ({ params: { id }, headers }) => {
        await onVersion(headers["if-match"], (wanted) => store.deleteSensor(id, wanted));
        return new Response(null, { status: 204 });
      },
      { params: SensorParams, headers: IfMatch, ...DELETE },
    );
}

function versioned(record: SensorRecord, headers: Record<string, string | number>): Sensor {
  headers["etag"] = etagOf(record.sensor.version);
  return sensorView(record);
}

function found(id: string, record: SensorRecord | null): SensorRecord {
  if (record === null) throw new Fault("notFound", `There is no sensor ${id}.`);
  return record;
}

/** Reads, merges and writes on the version that was read, so that nobody's edit in between is lost. */
async function patch(
  { store, partitions }: Pick<SensorsOptions, "store" | "partitions">,
  id: string,
  edit: { patch: SensorPatch; wanted: number | null },
): Promise<SensorRecord> {
  for (let attempt = 1; ; attempt += 1) {
    const { sensor } = found(id, await store.getSensor(id));
    try {
      return await store.updateSensor(patched(sensor, edit.patch, partitions), edit.wanted ?? sensor.version);
    } catch (error) {
      if (!isFault(error, "preconditionFailed") || edit.wanted !== null) throw error;
      if (attempt === PATCH_TRIES) throw new Fault("conflict", `Sensor ${id} is being edited by others; try again.`, { cause: error });
    }
  }
}

const ONE = { description: "The sensor.", schema: Sensor, headers: ETAG_HEADER };

const LIST = operation({
  id: "listSensors",
  tag: "Sensors",
  summary: "List sensors by id",
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Sensor) } },
});
const CREATE = operation({
  id: "createSensor",
  tag: "Sensors",
  summary: "Register a sensor",
  scope: "sensors:write",
  takesBody: true,
  answers: { 201: { ...ONE, headers: { ...ETAG_HEADER, location: "Its path." } } },
  problems: [409],
});
const GET = operation({
  id: "getSensor",
  tag: "Sensors",
  summary: "One sensor and its state",
  scope: "sensors:read",
  answers: { 200: ONE },
  problems: [404],
});
const REPLACE = operation({
  id: "replaceSensor",
  tag: "Sensors",
  summary: "Replace what an operator may set",
  scope: "sensors:write",
  takesBody: true,
  answers: { 200: ONE },
  problems: [404, 412],
});
const PATCH = operation({
  id: "patchSensor",
  tag: "Sensors",
  summary: "Edit a sensor by JSON Merge Patch",
  scope: "sensors:write",
  takesBody: true,
  answers: { 200: ONE },
  problems: [404, 409, 412],
});
const DELETE = operation({
  id: "deleteSensor",
  tag: "Sensors",
  summary: "Delete a sensor",
  description: "Its history stays readable. Registered again under its id, its changes go on from their last number.",
  scope: "sensors:write",
  answers: { 204: { description: "It is gone." } },
  problems: [404, 412],
});
