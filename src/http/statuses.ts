import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { STATUS_PATTERN } from "../domain/report";
import { SEVERITIES, STATUS_CATALOGUE } from "../domain/severity";
import { oneOf, pageOf, PageQuery, pageSchema } from "./fields";
import { operation } from "./operation";
import { invalid } from "./problems";

const Status = Type.Object({ status: Type.String({ pattern: STATUS_PATTERN }), severity: oneOf(SEVERITIES) }, { $id: "Status" });

const CATALOGUE = [...STATUS_CATALOGUE]
  .map(([status, severity]) => ({ status, severity }))
  .toSorted((a, b) => (a.status < b.status ? -1 : 1));

export function statuses() {
  return new Elysia({ name: "statuses" }).get(
    "/v1/statuses",
    ({ query }) => {
      const { limit, cursor } = pageOf(query);
      const from = cursor === null ? 0 : CATALOGUE.findIndex(({ status }) => status === cursor);
      if (from === -1)
        throw invalid("The query is not valid.", [{ pointer: "/cursor", message: "must be the nextCursor of a page of this list" }]);
      return { items: CATALOGUE.slice(from, from + limit), nextCursor: CATALOGUE[from + limit]?.status ?? null };
    },
    { query: PageQuery, ...LIST },
  );
}

const LIST = operation({
  id: "listStatuses",
  tag: "Catalogue",
  summary: "The statuses whose severity is known",
  description: "Any other status is `unknown` unless its report says otherwise.",
  scope: "sensors:read",
  answers: { 200: { description: "A page.", schema: pageSchema(Status) } },
});
