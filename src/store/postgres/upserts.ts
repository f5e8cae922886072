import type { Labels } from "../../domain/sensor";
import type { SensorAndState, SensorDraft } from "../store";
import { foldDrafts, lastWrites, unsettled, type UpsertWrite } from "../upserts";
import type { UpsertStore } from "../upsertStore";
import { type ArrayElement, arrayText, numberOrNull, quoted } from "./arrays";
import type { Connection } from "./connection";
import { SENSOR_AND_STATE, type SensorAndStateRow, sensorAndStateOf } from "../sensorRows";
import { searchTextOf } from "../searchText";
import { statement } from "./statement";

const load = statement<SensorAndStateRow>(
  "upserts.load",
  `select ${SENSOR_AND_STATE} from sensors s left join states t on t.sensor_id = s.id where s.id = any($1::text[])`,
);

/** Counted up in the order of the partitions: that is the order in which commits lock them, too. */
const bump = statement<{ partition: number; registry_version: number }>(
  "upserts.bump",
  `insert into partitions as p (role, partition, registry_version) select 'ingest', n, 1 from unnest($1::int[]) n order by n
   on conflict (role, partition) do update set registry_version = p.registry_version + 1 returning p.partition, p.registry_version`,
);

type Column = readonly [name: string, type: string, element: (write: UpsertWrite, registryVersion: number) => ArrayElement];

const COLUMNS: readonly Column[] = [
  ["id", "text", ({ sensor }) => quoted(sensor.id)],
  ["partition", "int", ({ partition }) => partition],
  ["name", "text", ({ sensor }) => quoted(sensor.name)],
  ["labels", "json", ({ sensor }) => quoted(JSON.stringify(sensor.labels))],
  ["metadata", "json", ({ sensor }) => quoted(JSON.stringify(sensor.metadata))],
  ["heartbeat_interval_seconds", "int", ({ sensor }) => numberOrNull(sensor.heartbeat?.intervalSeconds ?? null)],
  ["heartbeat_grace_seconds", "int", ({ sensor }) => numberOrNull(sensor.heartbeat?.graceSeconds ?? null)],
  ["version", "int", ({ sensor }) => sensor.version],
  ["life", "int", ({ sensor }) => sensor.life],
  ["registry_version", "bigint", (_, registryVersion) => registryVersion],
  ["created_at", "bigint", ({ sensor }) => sensor.createdAt],
  ["updated_at", "bigint", ({ sensor }) => sensor.updatedAt],
  ["search_text", "text", ({ sensor }) => quoted(searchTextOf(sensor.id, sensor.name))],
];
const NAMES = COLUMNS.map(([name]) => name);

const put = statement(
  "upserts.put",
  `with given as (
     select * from unnest(${COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(", ")}) g (${NAMES.join(", ")})),
   waiting as (
     insert into search_waiting (sensor_id)
     select g.id from given g where not exists (
       select 1 from sensors s where s.id = g.id and s.search_text = g.search_text and s.deleted_at is null))
   insert into sensors (${NAMES.join(", ")}) select * from given
   on conflict (id) do update set
     ${NAMES.slice(1)
       .map((name) => `${name} = excluded.${name}`)
       .join(", ")}, deleted_at = null`,
);
const dropLabels = statement(
  "upserts.dropLabels",
  `delete from sensor_labels l using unnest($1::text[], $2::text[], $3::text[]) g (key, value, id)
   where l.label_key = g.key and l.label_value = g.value and l.sensor_id = g.id`,
);
const addLabels = statement(
  "upserts.addLabels",
  "insert into sensor_labels (label_key, label_value, sensor_id) select * from unnest($1::text[], $2::text[], $3::text[])",
);

export function openUpserts({ work, write }: Connection): UpsertStore {
  return {
    async upsertSensors(drafts, reach) {
      const { drafts: due, outcomes: all } = unsettled(drafts, foldDrafts(drafts, await found(work, drafts), reach));
      if (due.length === 0) return all([]);
      return write(async ({ client }) => {
        const bumped = await bump(client, [...new Set(due.map(({ partition }) => partition))]);
        const versions = new Map(bumped.map(({ partition, registry_version }) => [partition, registry_version]));
        // Read after the partitions' rows were locked: whatever was committed before is seen, and nothing comes between.
        const { outcomes, writes: steps } = foldDrafts(due, await found(client, due), reach);
        const writes = lastWrites(steps);
        const versionOf = ({ partition }: UpsertWrite) => versions.get(partition) as number;
        await put(client, ...COLUMNS.map(([, , element]) => arrayText(writes.map((each) => element(each, versionOf(each))))));
        await dropLabels(client, ...labelArrays(writes, ({ before, sensor }) => [before?.labels ?? {}, sensor.labels]));
        await addLabels(client, ...labelArrays(writes, ({ before, sensor }) => [sensor.labels, before?.labels ?? {}]));
        return all(outcomes);
      });
    },
  };
}

async function found(on: Parameters<typeof load>[0], drafts: readonly SensorDraft[]): Promise<SensorAndState[]> {
  return (await load(on, [...new Set(drafts.map(({ id }) => id))])).map(sensorAndStateOf);
}

/** Keys, values and ids of the labels that are in the first of two and not in the second. */
function labelArrays(writes: readonly UpsertWrite[], sides: (write: UpsertWrite) => readonly [Labels, Labels]): string[] {
  const rows = writes.flatMap((write) => {
    const [these, others] = sides(write);
    const differing = Object.entries(these).filter(([key, value]) => others[key] !== value);
    return differing.map(([key, value]) => [key, value, write.sensor.id]);
  });
  return [0, 1, 2].map((place) => arrayText(rows.map((row) => quoted(row[place] as string))));
}
