import type { ChangeLogStore, LoggedChange } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";

/** The columns of a {@link LoggedChange}, under its names. */
export const LOGGED_CHANGE = `partition, number, sensor_id as sensorId, kind, occurred_at as occurredAt, recorded_at as recordedAt, data`;

export function openChangeLog({ client }: Connection): Direct<ChangeLogStore> {
  const after = client.prepare<[number, number, number], LoggedChange>(
    `select ${LOGGED_CHANGE} from changes where partition = ? and number > ? order by number limit ?`,
  );
  const markPublished = client.prepare<[number, number, number, string]>(
    "update partitions set published = max(published, ?) where role = 'ingest' and partition = ? and epoch = ? and owner = ?",
  );
  return {
    changesAfter: (partition, number, limit) => after.all(partition, number, limit),
    markPublished: ({ partition, epoch, owner }, number) => markPublished.run(number, partition, epoch, owner).changes > 0,
  };
}

export function prepareLoggedChange({ client }: Connection): (partition: number, number: number) => LoggedChange | null {
  const one = client.prepare<[number, number], LoggedChange>(`select ${LOGGED_CHANGE} from changes where partition = ? and number = ?`);
  return (partition, number) => one.get(partition, number) ?? null;
}
