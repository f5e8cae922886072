import { STATUS_CATALOGUE, type Severity } from "../../domain/severity";
import { BUILT_IN_VERSION } from "../../domain/statusCatalogue";
import { changesNothing, demandStatusEdited, demandStatusRoom, demandStatusVersion } from "../statusRules";
import type { IngestStore, StatusRecord, StatusStore } from "../store";
import type { Connection } from "./connection";
import type { Direct } from "./faults";

const FIELDS = "status, severity, description, version, created_at as createdAt, updated_at as updatedAt";

export function openStatuses({ client, write }: Connection): Direct<StatusStore> {
  const list = client.prepare<[], StatusRecord>(`select ${FIELDS} from statuses order by status`);
  const read = client.prepare<[string], StatusRecord>(`select ${FIELDS} from statuses where status = ?`);
  const count = client.prepare<[], number>("select count(*) from statuses").pluck();
  const put = client.prepare<unknown[]>(
    `insert into statuses (status, severity, description, version, created_at, updated_at) values (?, ?, ?, ?, ?, ?)
     on conflict (status) do update set severity = excluded.severity, description = excluded.description, version = excluded.version,
       updated_at = excluded.updated_at`,
  );
  const remove = client.prepare<[string]>("delete from statuses where status = ?");
  // An edit and a batch that was decided without it must not both go in: the batch compares this number. A partition whose row is not
  // there yet has no owner, and whoever comes to own it loads the catalogue afterwards.
  const bumpRegistry = client.prepare("update partitions set registry_version = registry_version + 1 where role = 'ingest'");
  const bumpCatalogue = client
    .prepare<[number], number>(
      `insert into meta (name, value) values ('statuses_version', ?) on conflict (name) do update set value = value + 1 returning value`,
    )
    .pluck();

  function bump(): number {
    bumpRegistry.run();
    return bumpCatalogue.get(BUILT_IN_VERSION + 1) as number;
  }

  return {
    listStatuses: () => list.all(),

    getStatus: (status) => read.get(status) ?? null,

    putStatus(draft, expectedVersion) {
      const { status, severity, description } = draft;
      return write(() => {
        const before = read.get(status) ?? null;
        demandStatusVersion({ status, edited: before?.version ?? null, expectedVersion });
        if (before !== null && changesNothing(draft, before)) return { record: before, created: false, unchanged: true };
        if (before === null) demandStatusRoom(count.get() as number);
        const now = Date.now();
        const record = { status, severity, description, version: bump(), createdAt: before?.createdAt ?? now, updatedAt: now };
        put.run([status, severity, description, record.version, record.createdAt, now]);
        return { record, created: before === null && !STATUS_CATALOGUE.has(status), unchanged: false };
      });
    },

    deleteStatus(status, expectedVersion) {
      write(() => {
        demandStatusEdited({ status, edited: read.get(status)?.version ?? null, expectedVersion });
        remove.run(status);
        bump();
      });
    },
  };
}

/** Belongs onto a snapshot. */
export function prepareStatusesVersion({ client }: Connection): () => number {
  const read = client.prepare<[], number>("select value from meta where name = 'statuses_version'").pluck();
  return () => read.get() ?? BUILT_IN_VERSION;
}

export function prepareSeverities(connection: Connection): Direct<Pick<IngestStore, "loadSeverities">>["loadSeverities"] {
  const { client, read } = connection;
  const version = prepareStatusesVersion(connection);
  const list = client.prepare<[], [string, Severity]>("select status, severity from statuses").raw();
  return () => read(() => ({ version: version(), severities: list.all() }));
}
