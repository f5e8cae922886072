import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Reach } from "../domain/reach";
import type { SensorRecord, SensorRemoval, SensorStore } from "../store/store";
import { type Calls, leftAsItWas, reachOf } from "./calls";
import { oneOf, PageFields, pageOf, pageSchema, pageView, SensorParams } from "./fields";
import { IdempotencyKey } from "./gate/idempotency";
import { operation } from "./document/operation";
import { doneWithoutBody, NO_BODY_WHEN_MINIMAL, PREFER, preferred } from "./prefer";
import type { ReadSensor } from "./ports";
import { sensorAnswer } from "./sensorAnswer";
import { create, demandShown, patch, put } from "./sensorEdits";
import { SensorFilterFields, sensorQueryOf } from "./sensorFilter";
import { draftOf, Sensor, SensorCreation, sensorEtagOf, SensorPatch, SensorReplacement, sensorView } from "./sensorModel";
import { IF_MATCH, IfMatch, IfNoneMatch, NOT_MODIFIED, notModified, onVersion } from "./versions";

const SensorsQuery = Type.Object({ ...SensorFilterFields, ...PageFields }, { additionalProperties: false });

const PutHeaders = Type.Object({
  ...IF_MATCH,
  "if-none-match": Type.Optional(Type.String({ description: "`*`: create only.", examples: ["*"] })),
  ...PREFER,
});
const CreationHeaders = Type.Object({ ...IdempotencyKey.properties, ...PREFER });
const EditHeaders = Type.Object({ ...IF_MATCH, ...PREFER });

const HISTORIES = ["keep", "delete"] as const;
const DeletionQuery = Type.Object(
  {
    history: Type.Optional(
      oneOf(HISTORIES, {
        description: "`delete`: all that was recorded of it is deleted as well, at once, but for the audit log. Left out, it is kept.",
      }),
    ),
  },
  { additionalProperties: false },
);

export interface SensorsOptions {
  readonly calls: Calls;
  readonly store: SensorStore;
  readonly readSensor: ReadSensor;
  readonly partitions: number;
}

export function sensors({ calls, store, readSensor, partitions }: SensorsOptions) {
  return new Elysia({ name: "sensors" })
    .get(
      "/v1/sensors",
      async ({ query, request }) => {
        const wanted = sensorQueryOf(query, reachOf(calls, request));
        return wanted === null ? NONE : pageView(await store.listSensors(wanted, pageOf(query)), sensorView);
      },
      { query: SensorsQuery, ...LIST },
    )
    .post(
      "/v1/sensors",
      async ({ body, headers, set, request }) => {
        const record = await create(store, draftOf(body.id, body, partitions), reachOf(calls, request));
        return preferred(headers.prefer, located(set, body.id), versioned(record, set.headers));
      },
      { headers: CreationHeaders, body: SensorCreation, ...CREATE },
    )
    .get(
      "/v1/sensors/:id",
      // Asked for more than anything else, so what is at hand is answered at once. Elysia waits where it reads a call behind `return`.
      ({ params: { id }, headers, request }) => {
        const wish = { id, headers, reach: reachOf(calls, request) };
        const found = readSensor(id);
        return found instanceof Promise ? shownLater(wish, found) : shown(wish, found);
      },
      { params: SensorParams, headers: IfNoneMatch, ...GET },
    )
    .put(
      "/v1/sensors/:id",
      async ({ params: { id }, body, headers, set, request }) => {
        const edit = { conditions: headers, reach: reachOf(calls, request) };
        const { record, created, unchanged } = await put(store, draftOf(id, body, partitions), edit);
        leftAsItWas(calls, request, unchanged);
        return preferred(headers.prefer, created ? located(set, id) : set, versioned(record, set.headers));
      },
      { params: SensorParams, headers: PutHeaders, body: SensorReplacement, ...REPLACE },
    )
    .patch(
      "/v1/sensors/:id",
      async ({ params: { id }, body, headers, set, request }) => {
        const edit = { id, body, ifMatch: headers["if-match"], reach: reachOf(calls, request) };
        const { record, unchanged } = await patch({ store, partitions }, edit);
        leftAsItWas(calls, request, unchanged);
        return preferred(headers.prefer, set, versioned(record, set.headers));
      },
      { params: SensorParams, headers: EditHeaders, body: SensorPatch, ...PATCH },
    )
    .delete(
      "/v1/sensors/:id",
      async ({ params: { id }, query: { history }, headers, request }) => {
        const removal: SensorRemoval = { history: history ?? "keep", reach: reachOf(calls, request) };
        await onVersion(headers["if-match"], (wanted) => store.deleteSensor(id, wanted, removal));
        return new Response(null, { status: 204 });
      },
      { params: SensorParams, query: DeletionQuery, headers: IfMatch, ...DELETE },
    );
}

interface SensorWish {
  readonly id: string;
  readonly headers: Static<typeof IfNoneMatch>;
  readonly reach: Reach | null;
}

function shown({ id, headers, reach }: SensorWish, found: SensorRecord | null): Response {
  const record = demandShown(id, found, reach);
  return notModified(headers, () => sensorEtagOf(record)) ?? sensorAnswer(record);
}

async function shownLater(wish: SensorWish, found: Promise<SensorRecord | null>): Promise<Response> {
  return shown(wish, await found);
}

const NONE = { items: [], nextCursor: null };

interface AnswerSet {
  status?: number | string;
  headers: Record<string, string | number>;
}

function versioned(record: SensorRecord, headers: AnswerSet["headers"]): Sensor {
  headers["etag"] = sensorEtagOf(record);
  return sensorView(record);
}

function located<Answer extends AnswerSet>(set: Answer, id: string): Answer {
  set.status = 201;
  set.headers["location"] = `/v1/sensors/${id}`;
  return set;
}

const TAG = { etag: 'The version, with its clocks once it was heard, as `"3.12-mf2k1c0a"`; for `If-Match` the version alone counts.' };
const ONE = { description: "The sensor.", schema: Sensor, headers: TAG };
const MADE = { ...ONE, description: `The sensor. ${NO_BODY_WHEN_MINIMAL}`, headers: { ...TAG, location: "Its path." } };

const LIST = operation({
  id: "listSensors",
  tag: "Sensors",
  summary: "List sensors by id",
  description:
    "All filters must hold: of `label` each one that is given, of any other that repeats one of its values. A page may end before its limit where metadata is large.",
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Sensor) } },
});
const CREATE = operation({
  id: "createSensor",
  tag: "Sensors",
  summary: "Register a sensor",
  scope: "sensors:write",
  takesBody: true,
  answers: { 201: MADE },
  problems: [409],
});
const GET = operation({
  id: "getSensor",
  tag: "Sensors",
  summary: "One sensor and its state",
  scope: "sensors:read",
  answers: { 200: ONE, ...NOT_MODIFIED },
  problems: [404],
});
const REPLACE = operation({
  id: "replaceSensor",
  tag: "Sensors",
  summary: "Register a sensor, or replace what an operator may set",
  description: "With `If-None-Match: *` it only registers, with `If-Match` it only replaces; without either it does whichever applies.",
  scope: "sensors:write",
  takesBody: true,
  answers: { 200: ONE, 201: MADE, ...doneWithoutBody(TAG) },
  problems: [404, 412],
});
const PATCH = operation({
  id: "patchSensor",
  tag: "Sensors",
  summary: "Edit a sensor by JSON Merge Patch",
  scope: "sensors:write",
  takesBody: true,
  answers: { 200: ONE, ...doneWithoutBody(TAG) },
  problems: [404, 409, 412],
});
const DELETE = operation({
  id: "deleteSensor",
  tag: "Sensors",
  summary: "Delete a sensor",
  description:
    "Its history stays readable, unless `history=delete` removes it as well, with its dead letters and the deliveries that ended; changes that are already owed to a webhook are still delivered. If the sensor is registered again under its id, the numbers of its changes continue.",
  scope: "sensors:write",
  answers: { 204: { description: "It is gone." } },
  problems: [404, 412],
});
