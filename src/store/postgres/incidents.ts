import { desc, eq, lt } from "drizzle-orm";
import { decodeCursor, toPage } from "../cursor";
import type { IncidentStore } from "../store";
import type { Connection } from "./connection";
import { incidents } from "./schema/log";

const LIST = "incidents";

export function openIncidents({ db }: Connection): IncidentStore {
  return {
    async listIncidents({ limit, cursor }) {
      const before = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0];
      const older = before === undefined ? undefined : lt(incidents.id, before);
      const rows = await db
        .select()
        .from(incidents)
        .where(older)
        .orderBy(desc(incidents.id))
        .limit(limit + 1);
      return toPage(rows, { limit, list: LIST, key: (row) => [row.id], item: (row) => row });
    },

    async getIncident(id) {
      const [row = null] = await db.select().from(incidents).where(eq(incidents.id, id));
      return row;
    },
  };
}
