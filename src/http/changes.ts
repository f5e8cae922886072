import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ChangeFeedStore, HistoryStore } from "../store/store";
import { type Calls, reachOf } from "./calls";
import { ChangeFilterFields, changeFilterOf } from "./changeFilter";
import { changeCursorOf, listChanges, type ListedChanges, wantedBy } from "./changeList";
import { Change, ChangePage, GivenChangeCursor } from "./changeModel";
import { Order, PageFields, pageOf, pageSchema, RangeFields, rangeOf, SensorParams } from "./fields";
import { demandKnown, type KnownSensors } from "./knownSensors";
import { operation } from "./document/operation";

const RANGE = { ...RangeFields, order: Type.Optional(Order), ...PageFields };
const SensorChangesQuery = Type.Object(RANGE, { additionalProperties: false });
const ChangesQuery = Type.Object(
  { ...ChangeFilterFields, ...RANGE, cursor: Type.Optional(GivenChangeCursor) },
  { additionalProperties: false },
);

export interface ChangesOptions {
  readonly calls: Calls;
  readonly store: Pick<HistoryStore, "listChanges"> & ChangeFeedStore & KnownSensors;
}

export function changes({ store, calls }: ChangesOptions) {
  return new Elysia({ name: "changes" })
    .get(
      "/v1/changes",
      async ({ query, request }) => {
        const { limit } = pageOf(query);
        const from = changeCursorOf(query.cursor, "/cursor");
        const wanted = wantedBy({ filter: changeFilterOf(query), reach: reachOf(calls, request) });
        return pageResponse(await listChanges(store, { from, range: rangeOf(query), order: query.order ?? "asc", limit, wanted }));
      },
      { query: ChangesQuery, ...LIST_ALL },
    )
    .get(
      "/v1/sensors/:id/changes",
      async ({ params: { id }, query, request }) => {
        await demandKnown(store, id, reachOf(calls, request));
        return store.listChanges({ sensorId: id, range: rangeOf(query), order: query.order ?? "asc" }, pageOf(query));
      },
      { params: SensorParams, query: SensorChangesQuery, ...LIST },
    );
}

/** The items are JSON already. */
function pageResponse({ items, nextCursor, cursor }: ListedChanges): Response {
  const text = `{"items":[${items.join(",")}],"nextCursor":${JSON.stringify(nextCursor)},"cursor":${JSON.stringify(cursor)}}`;
  return new Response(text, { headers: { "content-type": "application/json" } });
}

const LIST_ALL = operation({
  id: "listChanges",
  tag: "Changes",
  summary: "Changes of all sensors, oldest first",
  description: `Each sensor's in their order, and all of them about as they were recorded; \`since\` and \`until\` count by that. A page looks at some
thousand changes and a few MiB at most, so with a filter it may hold fewer than there are: go on while there is a \`nextCursor\`.

\`cursor\` is where to go on later, or to follow the live stream from. \`order=desc&limit=1\` gives that of the present.`,
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: ChangePage } },
  problems: [410],
});
const LIST = operation({
  id: "listSensorChanges",
  tag: "Changes",
  summary: "A sensor's changes, oldest first",
  description: `\`since\` and \`until\` count by when a change occurred; a page of a range looks at some thousand changes at most, so go on while there is a
\`nextCursor\`. Readable after the sensor was deleted, too.`,
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Change) } },
  problems: [404],
});
