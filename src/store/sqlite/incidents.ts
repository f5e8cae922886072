import { desc, eq, lt } from "drizzle-orm";
import type { IncidentStore } from "../store";
import type { Connection } from "./connection";
import { decodeCursor, toPage } from "../cursor";
import type { Direct } from "./faults";
import { incidents } from "./schema/log";

const LIST = "incidents";

export function openIncidents({ db }: Connection): Direct<IncidentStore> {
  return {
    listIncidents({ limit, cursor }) {
      const before = decodeCursor<[string]>(cursor, LIST, ["string"])?.[0];
      const older = before === undefined ? undefined : lt(incidents.id, before);
      const rows = db
        .select()
        .from(incidents)
        .where(older)
        .orderBy(desc(incidents.id))
        .limit(limit + 1)
        .all();
      return toPage(rows, { limit, list: LIST, key: (row) => [row.id], item: (row) => row });
    },

    getIncident: (id) => db.select().from(incidents).where(eq(incidents.id, id)).get() ?? null,
  };
}
