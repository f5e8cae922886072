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
  OpenOptions,
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
import { type Connection, openConnection } from "./connection";
import { prepareDays } from "./days";
import { asFault, faulted } from "./faults";
import { openAudit } from "./audit";
import { openChangeFeed } from "./changeFeed";
import { openChangeLog } from "./changeLog";
import { openDeadLetters } from "./deadLetters";
import { openDeliveries } from "./deliveries";
import { openErasure } from "./erasure";
import { openHistory } from "./history";
import { openIdempotency } from "./idempotency";
import { openIncidents } from "./incidents";
import { openIngest } from "./ingest";
import { openMaintenance } from "./maintenance";
import { unknownMigrations } from "./migrations";
import { openPartitions } from "./partitions";
import { openPlan } from "./plan";
import { openReplays } from "./replays";
import { openSearch } from "./searchIndexing";
import { openSensorReads } from "./sensorReads";
import { openSensors } from "./sensors";
import { openSharedSecrets } from "./sharedSecrets";
import { openStatuses } from "./statuses";
import { openTimeline } from "./timeline";
import { openTokens } from "./tokens";
import { openUpserts } from "./upserts";
import { openWebhooks } from "./webhooks";

/** Days of reports that there is room for from the start on, so that nobody's first commit of a day has to make it. */
const DAYS_AHEAD = 7;

/**
 * Connects, with the tables up to date. Throws `Fault` (unavailable) when the database cannot be used, (conflict) when it is to be taken
 * `asFound`, and its tables are not those of this version.
 */
export async function openPostgresStore(url: string, { asFound = false }: OpenOptions = {}): Promise<Store> {
  const connection = await connect(url, asFound).catch((error: unknown) => {
    throw asFault(error);
  });
  return {
    ...faulted<PartitionStore>(openPartitions(connection)),
    ...faulted<IngestStore>(openIngest(connection)),
    ...faulted<ChangeLogStore>(openChangeLog(connection)),
    ...faulted<ChangeFeedStore>(openChangeFeed(connection)),
    ...faulted<PlanStore>(openPlan(connection)),
    ...faulted<DeliveryStore>(openDeliveries(connection)),
    ...faulted<ReplayStore>(openReplays(connection)),
    ...faulted<SearchStore>(openSearch(connection)),
    ...faulted<SensorStore>(openSensors(connection)),
    ...faulted<SensorReadStore>(openSensorReads(connection)),
    ...faulted<SharedSecretStore>(openSharedSecrets(connection)),
    ...faulted<UpsertStore>(openUpserts(connection)),
    ...faulted<HistoryStore>(openHistory(connection)),
    ...faulted<ErasureStore>(openErasure(connection)),
    ...faulted<TimelineStore>(openTimeline(connection)),
    ...faulted<StatusStore>(openStatuses(connection)),
    ...faulted<WebhookStore>(openWebhooks(connection)),
    ...faulted<DeadLetterStore>(openDeadLetters(connection)),
    ...faulted<TokenStore>(openTokens(connection)),
    ...faulted<AuditStore>(openAudit(connection)),
    ...faulted<IdempotencyStore>(openIdempotency(connection)),
    ...faulted<IncidentStore>(openIncidents(connection)),
    ...faulted<MaintenanceStore>(openMaintenance(connection)),
    ...faulted<Pick<Store, "probe" | "unknownMigrations" | "close">>({
      async probe() {
        await connection.leases.query(
          "insert into probes (id, filler) values (1, '') on conflict (id) do update set filler = excluded.filler",
        );
        await connection.leases.query("delete from probes");
      },
      unknownMigrations: () => unknownMigrations(connection.work),
      close: () => connection.close(),
    }),
  };
}

async function connect(url: string, asFound: boolean): Promise<Connection> {
  const connection = await openConnection(url, asFound);
  try {
    if (!asFound) await prepareDays(connection, DAYS_AHEAD);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}
