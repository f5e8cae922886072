import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { CHANGE_CAUSES, CHANGE_KINDS } from "../domain/change";
import { AVAILABILITIES, SEVERITIES } from "../domain/severity";
import type { HistoryStore } from "../store/store";
import { nullable, oneOf, Order, PageFields, pageOf, pageSchema, RangeFields, rangeOf, SensorId, SensorParams, Time } from "./fields";
import { type Calls, reachOf } from "./calls";
import { demandKnown, type KnownSensors } from "./knownSensors";
import { operation } from "./operation";

const Condition = Type.Object(
  { status: nullable(Type.String()), severity: nullable(oneOf(SEVERITIES)), availability: oneOf(AVAILABILITIES) },
  { $id: "Condition" },
);

export const Change = Type.Object(
  {
    changeId: Type.String(),
    sensorId: SensorId,
    sensor: Type.Object({ name: Type.String(), labels: Type.Record(Type.String(), Type.String()) }, { description: "As it was then." }),
    revision: Type.Integer({ description: "Counts the sensor's changes from 1, without gaps." }),
    kind: oneOf(CHANGE_KINDS),
    from: Condition,
    to: Condition,
    cause: oneOf(CHANGE_CAUSES),
    occurredAt: Time,
    detectedAt: Time,
    previousDurationMs: nullable(Type.Number()),
    report: nullable(
      Type.Object({
        value: nullable(Type.Number()),
        message: nullable(Type.String()),
        attributes: nullable(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
  },
  { $id: "Change", description: "The `data` of a webhook." },
);

const ChangesQuery = Type.Object({ ...RangeFields, order: Type.Optional(Order), ...PageFields }, { additionalProperties: false });

export interface ChangesOptions {
  readonly calls: Calls;
  readonly store: Pick<HistoryStore, "listChanges"> & KnownSensors;
}

export function changes({ store, calls }: ChangesOptions) {
  return new Elysia({ name: "changes" })
    .get("/v1/changes", ({ query }) => store.listChanges({ range: rangeOf(query), order: query.order ?? "asc" }, pageOf(query)), {
      query: ChangesQuery,
      ...LIST_ALL,
    })
    .get(
      "/v1/sensors/:id/changes",
      async ({ params: { id }, query, request }) => {
        await demandKnown(store, id, reachOf(calls, request));
        return store.listChanges({ sensorId: id, range: rangeOf(query), order: query.order ?? "asc" }, pageOf(query));
      },
      { params: SensorParams, query: ChangesQuery, ...LIST },
    );
}

const PAGE = { description: "A page.", schema: pageSchema(Change) };

const LIST_ALL = operation({
  id: "listChanges",
  tag: "Changes",
  summary: "Changes of all sensors, oldest first",
  description: "In the order of each partition; `since` and `until` count by when a change was recorded.",
  scope: "sensors:read",
  answers: { 200: PAGE },
});
const LIST = operation({
  id: "listSensorChanges",
  tag: "Changes",
  summary: "A sensor's changes, oldest first",
  description: "`since` and `until` count by when a change occurred. Readable after the sensor was deleted, too.",
  scope: "sensors:read",
  answers: { 200: PAGE },
  problems: [404],
});
