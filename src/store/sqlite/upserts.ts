import type { SensorAndState, SensorDraft } from "../store";
import { foldDrafts, unsettled } from "../upserts";
import type { UpsertStore } from "../upsertStore";
import type { Connection } from "./connection";
import type { Direct } from "./faults";
import { SENSOR_AND_STATE } from "../sensorRows";
import { type SensorAndStateText, sensorAndStateOfText } from "./sensorRows";
import { prepareRegistryBump } from "./sensors";
import { prepareSensorWrites } from "./sensorWrites";

export function openUpserts(connection: Connection): Direct<UpsertStore> {
  const { client, read, write } = connection;
  const load = client.prepare<[string], SensorAndStateText>(
    `select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id where s.id = ?`,
  );
  const writes = prepareSensorWrites(connection);
  const bump = prepareRegistryBump(connection);

  function found(drafts: readonly SensorDraft[]): SensorAndState[] {
    const rows = [...new Set(drafts.map(({ id }) => id))].map((id) => load.get(id));
    return rows.filter((row) => row !== undefined).map(sensorAndStateOfText);
  }

  return {
    upsertSensors(drafts, reach) {
      const { drafts: due, outcomes: all } = unsettled(
        drafts,
        read(() => foldDrafts(drafts, found(drafts), reach)),
      );
      if (due.length === 0) return all([]);
      return write(() => {
        const { outcomes, writes: changed } = foldDrafts(due, found(due), reach);
        const versions = new Map<number, number>();
        for (const { sensor, partition, before } of changed) {
          const registryVersion = versions.get(partition) ?? bump(partition);
          versions.set(partition, registryVersion);
          if (before === null) writes.register(sensor, { partition, registryVersion });
          else writes.replace(sensor, { partition, registryVersion }, before.labels);
        }
        return all(outcomes);
      });
    },
  };
}
