/** Gathers the evidence of a run where it lies: in the database itself, in the streams, and with whoever sent and received. */
import { jetstream, jetstreamManager, type JsMsg } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Severity } from "../../src/domain/severity";
import type {
  Acknowledgement,
  Arrival,
  DeadLetterKey,
  Evidence,
  OperationalRow,
  OwedWebhook,
  PartitionRow,
  PublishedChange,
  ReplayAsked,
  ReplayRow,
  SensorRow,
  StreamedMessage,
} from "./evidence";
import { jsonOf, openTables } from "./tables";

const CHANGES_KEPT_MS = 24 * 3600 * 1000;
/** How long before its end the day of CHANGES is no longer counted on. */
const MARGIN_MS = 60_000;
const CONSUMED_AT_ONCE = 5000;

export interface Sources {
  /** `postgres://…`, or a file of SQLite. */
  readonly database: string;
  readonly natsUrls: readonly string[];
  /** P. */
  readonly partitions: number;
}

export interface Witnessed {
  readonly acknowledged: readonly Acknowledgement[];
  readonly arrivals: readonly Arrival[];
  readonly asked?: readonly ReplayAsked[];
}

/** To be asked when nothing moves any more: the database is read first, the streams after it. */
export async function collectEvidence(
  { database, natsUrls, partitions }: Sources,
  { asked = [], ...witnessed }: Witnessed,
): Promise<Evidence> {
  const { replays, ...kept } = await readDatabase(database);
  const messages: StreamedMessage[] = [];
  const published: PublishedChange[] = [];
  await using broker = await reach(natsUrls);
  for (let partition = 0; partition < partitions; partition += 1) {
    await readStream(broker, `REPORTS_${partitions}_${partition}`, (message) => messages.push(streamed(partition, message)));
    await readStream(broker, `CHANGES_${partitions}_${partition}`, (message) => published.push(publication(partition, message)));
  }
  const publishedSince = Date.now() - CHANGES_KEPT_MS + MARGIN_MS;
  return { ...kept, ...witnessed, replays: asked.map((one) => replayRow(one, replays)), messages, published, publishedSince };
}

/** Where the REPORTS streams end just now. */
export async function streamEnds({ natsUrls, partitions }: Omit<Sources, "database">): Promise<{ partition: number; sequence: number }[]> {
  await using broker = await reach(natsUrls);
  const { streams } = await jetstreamManager(broker.connection);
  const ends = Array.from({ length: partitions }, async (_, partition) => {
    const { state } = await streams.info(`REPORTS_${partitions}_${partition}`);
    return { partition, sequence: state.last_seq };
  });
  return await Promise.all(ends);
}

type Kept = Omit<Evidence, keyof Witnessed | "messages" | "published" | "publishedSince" | "replays"> & {
  readonly replays: readonly Omit<ReplayRow, keyof Omit<ReplayAsked, "id">>[];
};

/** One that was promised and is not there was not carried out. */
function replayRow(asked: ReplayAsked, kept: Kept["replays"]): ReplayRow {
  const row = kept.find(({ id }) => id === asked.id) ?? { webhookId: "", state: "running", since: 0, until: 0, replayed: 0 };
  return { ...row, ...asked };
}

async function readDatabase(database: string): Promise<Kept> {
  await using tables = await openTables(database);
  return {
    partitions: await tables.all<PartitionRow>(PARTITIONS),
    log: await tables.all(LOG),
    deadLetters: (await tables.all<{ stream: string; sequence: number }>(DEAD_LETTERS)).flatMap(deadLetterKey),
    sensors: (await tables.all<SensorColumns>(SENSORS)).map(sensorRow),
    changes: await tables.all(CHANGES),
    webhooks: (await tables.all<WebhookColumns>(WEBHOOKS)).map(owedWebhook),
    deliveries: await tables.all(DELIVERIES),
    operational: await tables.all<OperationalRow>(OPERATIONAL),
    replays: await tables.all(REPLAYS),
  };
}

const PARTITIONS = `SELECT ingest.partition, ingest.generation, ingest.cursor, coalesce(notify.change_number, 0) AS planned
  FROM partitions AS ingest LEFT JOIN partitions AS notify ON notify.partition = ingest.partition AND notify.role = 'notify'
  WHERE ingest.role = 'ingest'`;
const LOG = `SELECT partition, generation, sequence, sensor_id AS "sensorId", report_id AS "reportId", status, severity, at,
  received_at AS "receivedAt", recorded_at AS "recordedAt", disposition, change_number AS "changeNumber" FROM reports`;
const SENSORS = `SELECT sensors.id, heartbeat_interval_seconds + heartbeat_grace_seconds AS seconds, status, severity, availability, revision
  FROM sensors LEFT JOIN states ON states.sensor_id = sensors.id`;
const CHANGES = 'SELECT partition, number, sensor_id AS "sensorId", revision, recorded_at AS "recordedAt", data FROM changes';
const DEAD_LETTERS = "SELECT stream, sequence FROM dead_letters";
const WEBHOOKS = `SELECT first.webhook_id AS id, first.filter, first.after, webhooks.settings, webhooks.state
  FROM webhook_versions AS first JOIN webhooks ON webhooks.id = first.webhook_id WHERE first.version = 1`;
const DELIVERIES =
  'SELECT id, webhook_id AS "webhookId", partition, number, sensor_id AS "sensorId", revision, state, reason, planned_at AS "plannedAt" FROM deliveries';
const OPERATIONAL = 'SELECT number, kind, webhook_id AS "webhookId", recorded_at AS "recordedAt", data FROM operational_events';
const REPLAYS = 'SELECT id, webhook_id AS "webhookId", state, since, until, replayed FROM replays';

interface SensorColumns {
  readonly id: string;
  readonly seconds: number | null;
  readonly status: string | null;
  readonly severity: Severity | null;
  readonly availability: string | null;
  readonly revision: number | null;
}

function sensorRow({ id, seconds, status, severity, availability, revision }: SensorColumns): SensorRow {
  const state = { status, severity, availability: availability ?? "pending", revision: revision ?? 0 };
  return { id, heartbeatMs: seconds === null ? null : seconds * 1000, state };
}

interface WebhookColumns extends Pick<OwedWebhook, "id" | "state"> {
  readonly filter: unknown;
  readonly after: unknown;
  readonly settings: unknown;
}

/** As it was created: the ledger's runs edit no webhook, though one may be disabled. */
function owedWebhook({ id, state, filter, after, settings }: WebhookColumns): OwedWebhook {
  return { id, state, filter: jsonOf(filter), after: jsonOf(after), settings: jsonOf(settings) };
}

/** None for what never was in a partition's stream. */
function deadLetterKey({ stream, sequence }: { stream: string; sequence: number }): DeadLetterKey[] {
  const partition = /^REPORTS_\d+_(\d+)$/.exec(stream)?.[1];
  return partition === undefined ? [] : [{ partition: Number(partition), sequence }];
}

type Broker = AsyncDisposable & { readonly connection: NatsConnection };

async function reach(urls: readonly string[]): Promise<Broker> {
  const connection = await connect({ servers: [...urls] });
  return { connection, [Symbol.asyncDispose]: () => connection.close() };
}

async function readStream({ connection }: Broker, stream: string, take: (message: JsMsg) => void): Promise<void> {
  const { state } = await (await jetstreamManager(connection)).streams.info(stream);
  if (state.messages === 0) return;
  const consumer = await jetstream(connection).consumers.get(stream);
  for await (const message of await consumer.consume({ max_messages: CONSUMED_AT_ONCE })) {
    take(message);
    if (message.seq >= state.last_seq) break;
  }
}

function streamed(partition: number, { seq: sequence, subject, time }: JsMsg): StreamedMessage {
  return { partition, sequence, id: subject.slice(subject.lastIndexOf(".") + 1), timeMs: time.getTime() };
}

function publication(partition: number, message: JsMsg): PublishedChange {
  const { seq: sequence, subject, headers } = message;
  return { partition, sequence, subject, msgId: headers?.get("Nats-Msg-Id") ?? "", body: message.string() };
}
