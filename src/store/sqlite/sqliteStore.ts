import { existsSync } from "node:fs";
import { Fault } from "../../domain/fault";
import type {
  AuditStore,
  ChangeFeedStore,
  ChangeLogStore,
  DeadLetterStore,
  DeliveryStore,
  ErasureStore,
  HistoryStore,
  IdempotencyStore,
  IncidentStore,
  IngestStore,
  MaintenanceStore,
  PartitionStore,
  PlanStore,
  ReplayStore,
  SearchStore,
  SensorReadStore,
  SensorStore,
  SharedSecretStore,
  StatusStore,
  Store,
  TimelineStore,
  TokenStore,
  UpsertStore,
  WebhookStore,
} from "../store";
import { openAudit } from "./audit";
import { openChangeFeed } from "./changeFeed";
import { openChangeLog } from "./changeLog";
import { type Connection, openConnection } from "./connection";
import { openDeadLetters } from "./deadLetters";
import { openDeliveries } from "./deliveries";
import { asFault, promised } from "./faults";
import { openErasure } from "./erasure";
import { openHistory } from "./history";
import { openIdempotency } from "./idempotency";
import { openIncidents } from "./incidents";
import { openIngest } from "./ingest";
import { openMaintenance } from "./maintenance";
import { unknownMigrations } from "./migrations";
import { openPartitions } from "./partitions";
import { openReportPlaces, type ReportPlaces } from "./places/reportPlaces";
import { openPlan } from "./plan";
import { openReplays } from "./replays";
import { openSearch } from "./searchIndexing";
import { openSensorReads } from "./sensorReads";
import { openSensors } from "./sensors";
import { openSharedSecrets } from "./sharedSecrets";
import { openStatuses } from "./statuses";
import { createStoreThread, type StoreThread } from "./thread/storeThread";
import { openTimeline } from "./timeline";
import { openTokens } from "./tokens";
import { openUpserts } from "./upserts";
import { openWebhooks } from "./webhooks";

export interface SqliteOptions {
  /** After so many reports their index is written on; {@link FOLD_AT} unless given. */
  readonly foldAt?: number;
}

/** Opens the file, made when missing, with its tables up to date. Throws `Fault` (unavailable) when it cannot be used. */
export function openSqliteStore(file: string, { foldAt }: SqliteOptions = {}): Store {
  const thread = createStoreThread(file);
  const { connection, places } = connect(file, { thread, foldAt });
  return {
    ...promised<PartitionStore>(openPartitions(connection)),
    ...promised<IngestStore>(openIngest(connection, places)),
    ...promised<ChangeLogStore>(openChangeLog(connection)),
    ...promised<ChangeFeedStore>(openChangeFeed(connection)),
    ...promised<PlanStore>(openPlan(connection)),
    ...promised<DeliveryStore>(openDeliveries(connection)),
    ...promised<ReplayStore>(openReplays(connection)),
    ...promised<SearchStore>(openSearch(connection)),
    ...promised<SensorStore>(openSensors(connection)),
    ...promised<SensorReadStore>(openSensorReads(connection)),
    ...promised<SharedSecretStore>(openSharedSecrets(connection)),
    ...promised<UpsertStore>(openUpserts(connection)),
    ...promised<HistoryStore>(openHistory(connection, places)),
    ...promised<ErasureStore>(openErasure(connection, places)),
    ...promised<TimelineStore>(openTimeline(connection)),
    ...promised<StatusStore>(openStatuses(connection)),
    ...promised<WebhookStore>(openWebhooks(connection)),
    ...promised<DeadLetterStore>(openDeadLetters(connection)),
    ...promised<TokenStore>(openTokens(connection)),
    ...promised<AuditStore>(openAudit(connection)),
    ...promised<IdempotencyStore>(openIdempotency(connection)),
    ...promised<IncidentStore>(openIncidents(connection)),
    ...promised<MaintenanceStore>(openMaintenance(connection, places)),
    ...promised<Pick<Store, "probe" | "unknownMigrations" | "close">>({
      probe: prepareProbe(connection, file),
      unknownMigrations: () => unknownMigrations(connection.client),
      async close() {
        await thread.close();
        places.close();
        connection.client.close();
      },
    }),
  };
}

function connect(
  file: string,
  { thread, foldAt }: { thread: StoreThread; foldAt: number | undefined },
): { connection: Connection; places: ReportPlaces } {
  try {
    const connection = openConnection(file, () => thread.committed());
    try {
      return { connection, places: openReportPlaces(connection, { file, thread, foldAt }) };
    } catch (error) {
      connection.client.close();
      throw error;
    }
  } catch (error) {
    throw asFault(error);
  }
}

/** A commit that needs a few new pages, as a batch would, and gives them back. */
function prepareProbe({ client, write }: Connection, file: string): () => void {
  const fill = client.prepare("insert into probes (filler) values (zeroblob(16384))");
  const empty = client.prepare("delete from probes");
  return () => {
    // A file that was removed takes every commit, and all of them are lost when it is closed.
    if (!existsSync(file)) throw new Fault("unavailable", "the database's file was removed");
    write(() => {
      fill.run();
      empty.run();
    });
  };
}
