import type pg from "pg";
import type { ChangeLogStore, LoggedChange } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

/** The columns of a {@link LoggedChange}, under its names. */
export const LOGGED_CHANGE = `partition, number, sensor_id as "sensorId", kind, occurred_at as "occurredAt", recorded_at as "recordedAt", data`;

const after = statement<LoggedChange>(
  "changes.after",
  `select ${LOGGED_CHANGE} from changes where partition = $1 and number > $2 order by number limit $3`,
);
const one = statement<LoggedChange>("changes.one", `select ${LOGGED_CHANGE} from changes where partition = $1 and number = $2`);
const markPublished = statement<{ ours: true }>(
  "changes.markPublished",
  `update partitions set published = greatest(published, $4::bigint)
   where role = 'ingest' and partition = $1 and epoch = $2 and owner = $3 returning true as ours`,
);

export function openChangeLog({ control }: Connection): ChangeLogStore {
  return {
    changesAfter: (partition, number, limit) => after(control, partition, number, limit),
    async markPublished({ partition, epoch, owner }, number) {
      return (await markPublished(control, partition, epoch, owner, number)).length > 0;
    },
  };
}

export async function readLoggedChange(on: pg.Pool | pg.ClientBase, partition: number, number: number): Promise<LoggedChange | null> {
  return (await one(on, partition, number))[0] ?? null;
}
