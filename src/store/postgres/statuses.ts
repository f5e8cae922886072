import type { ClientBase } from "pg";
import { type Severity, STATUS_CATALOGUE } from "../../domain/severity";
import { BUILT_IN_VERSION } from "../../domain/statusCatalogue";
import { changesNothing, demandStatusEdited, demandStatusRoom, demandStatusVersion } from "../statusRules";
import type { IngestStore, StatusRecord, StatusStore } from "../store";
import type { Connection } from "./connection";
import { statement } from "./statement";

const FIELDS = `status, severity, description, version, created_at as "createdAt", updated_at as "updatedAt"`;
/** Which edit the catalogue is at. */
export const STATUSES_VERSION = `coalesce((select value from meta where name = 'statuses_version'), ${BUILT_IN_VERSION})`;

const list = statement<StatusRecord>("statuses.list", `select ${FIELDS} from statuses order by status`);
const read = statement<StatusRecord>("statuses.read", `select ${FIELDS} from statuses where status = $1`);
const count = statement<{ there: number }>("statuses.count", "select count(*) as there from statuses");
const put = statement(
  "statuses.put",
  `insert into statuses (status, severity, description, version, created_at, updated_at) values ($1, $2, $3, $4, $5, $6)
   on conflict (status) do update set severity = excluded.severity, description = excluded.description, version = excluded.version,
     updated_at = excluded.updated_at`,
);
const remove = statement("statuses.delete", "delete from statuses where status = $1");

/**
 * An edit and a batch that was decided without it must not both go in: the batch compares this number. Of all partitions, in their order,
 * in which commits lock them, too; also of those that nobody owned yet, so that whoever is about to waits, and loads the catalogue afterwards.
 */
const bumpRegistry = statement(
  "statuses.bumpRegistry",
  `insert into partitions as p (role, partition, registry_version)
   select 'ingest', n.partition, 1 from (
     select generate_series(0, (select value from meta where name = 'partition_count')::int - 1) as partition
     union select partition from partitions where role = 'ingest') n
   order by n.partition
   on conflict (role, partition) do update set registry_version = p.registry_version + 1`,
);
const bumpCatalogue = statement<{ value: number }>(
  "statuses.bumpCatalogue",
  `insert into meta as m (name, value) values ('statuses_version', ${BUILT_IN_VERSION + 1})
   on conflict (name) do update set value = m.value + 1 returning value`,
);

const severities = statement<{ version: number; status: string | null; severity: Severity | null }>(
  "statuses.severities",
  `select v.version, s.status, s.severity from (select ${STATUSES_VERSION} as version) v left join statuses s on true`,
);

export function openStatuses({ work, write }: Connection): StatusStore {
  return {
    listStatuses: () => list(work),

    getStatus: async (status) => (await read(work, status))[0] ?? null,

    putStatus: (draft, expectedVersion) =>
      write(async ({ client, takeBack }) => {
        const { status, severity, description } = draft;
        const { before, version } = await beginEdit(client, status);
        demandStatusVersion({ status, edited: before?.version ?? null, expectedVersion });
        if (before !== null && changesNothing(draft, before)) {
          takeBack();
          return { record: before, created: false, unchanged: true };
        }
        if (before === null) demandStatusRoom((await count(client))[0]?.there ?? 0);
        const now = Date.now();
        const record = { status, severity, description, version, createdAt: before?.createdAt ?? now, updatedAt: now };
        await put(client, status, severity, description, version, record.createdAt, now);
        return { record, created: before === null && !STATUS_CATALOGUE.has(status), unchanged: false };
      }),

    deleteStatus: (status, expectedVersion) =>
      write(async ({ client }) => {
        const { before } = await beginEdit(client, status);
        demandStatusEdited({ status, edited: before?.version ?? null, expectedVersion });
        await remove(client, status);
      }),
  };
}

/** The status as it stands, read once the partitions are locked: nothing comes between, and no other edit. */
async function beginEdit(client: ClientBase, status: string): Promise<{ before: StatusRecord | null; version: number }> {
  await bumpRegistry(client);
  const [counted] = await bumpCatalogue(client);
  const [before = null] = await read(client, status);
  return { before, version: counted?.value as number };
}

/** One statement, and so one snapshot; the way of commits, as whatever is asked before one. */
export function loadSeverities({ control }: Connection): IngestStore["loadSeverities"] {
  return async () => {
    const rows = await severities(control);
    const edited = rows.flatMap(({ status, severity }) => (status === null || severity === null ? [] : [[status, severity] as const]));
    return { version: rows[0]?.version ?? BUILT_IN_VERSION, severities: edited };
  };
}
