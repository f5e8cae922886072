import { type Static, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { Fault } from "../domain/fault";
import type { IncidentRecord, IncidentStore } from "../store/store";
import { type Calls, demandAll, NOT_LIMITED } from "./calls";
import { OwnParams, pageOf, PageQuery, pageSchema, pageView, Time, timeOf } from "./fields";
import { operation } from "./document/operation";

const Incident = Type.Object(
  {
    id: Type.String(),
    kind: Type.String(),
    partition: Type.Integer(),
    detail: Type.Record(Type.String(), Type.Unknown()),
    recordedAt: Time,
  },
  { $id: "Incident" },
);

const INCIDENTS = "incidents need";

export function incidents({ store, calls }: { readonly store: IncidentStore; readonly calls: Calls }) {
  return new Elysia({ name: "incidents" })
    .get(
      "/v1/incidents",
      async ({ query, request }) => {
        demandAll(calls, request, INCIDENTS);
        return pageView(await store.listIncidents(pageOf(query)), incidentView);
      },
      { query: PageQuery, ...LIST },
    )
    .get(
      "/v1/incidents/:id",
      async ({ params: { id }, request }) => {
        demandAll(calls, request, INCIDENTS);
        const incident = await store.getIncident(id);
        if (incident === null) throw new Fault("notFound", `There is no incident ${id}.`);
        return incidentView(incident);
      },
      { params: OwnParams, ...GET },
    );
}

function incidentView({ id, kind, partition, detail, recordedAt }: IncidentRecord): Static<typeof Incident> {
  return { id, kind, partition, detail, recordedAt: timeOf(recordedAt) };
}

const LIST = operation({
  id: "listIncidents",
  tag: "Operations",
  summary: "List incidents, things that should never happen, newest first",
  description: NOT_LIMITED,
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Incident) } },
});
const GET = operation({
  id: "getIncident",
  tag: "Operations",
  summary: "One incident",
  description: NOT_LIMITED,
  scope: "sensors:read",
  answers: { 200: { description: "The incident.", schema: Incident } },
  problems: [404],
});
