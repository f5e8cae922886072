/** Gathers the evidence of a run where it lies: in the database file itself, in the streams, and with whoever sent and received. */
import { jetstream, jetstreamManager, type JsMsg } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import Database from "better-sqlite3";
import type { Severity } from "../../src/domain/severity";
import type {
  Acknowledgement,
  Arrival,
  DeadLetterKey,
  Evidence,
  OwedWebhook,
  PartitionRow,
  PublishedChange,
  SensorRow,
  StreamedMessage,
} from "./evidence";

const CHANGES_KEPT_MS = 24 * 3600 * 1000;
/** How long before its end the day of CHANGES is no longer counted on. */
const MARGIN_MS = 60_000;
const CONSUMED_AT_ONCE = 5000;

export interface Sources {
  readonly dbFile: string;
  readonly natsUrl: string;
  /** P. */
  readonly partitions: number;
}

export interface Witnessed {
  readonly acknowledged: readonly Acknowledgement[];
  readonly arrivals: readonly Arrival[];
}

/** To be asked when nothing moves any more: the database is read first, the streams after it. */
export async function collectEvidence({ dbFile, natsUrl, partitions }: Sources, witnessed: Witnessed): Promise<Evidence> {
  const kept = readDatabase(dbFile);
  const streams = Array.from({ length: partitions }, (_, partition) => partition);
  const messages: StreamedMessage[] = [];
  const published: PublishedChange[] = [];
  for (const partition of streams) {
    await readStream(natsUrl, `REPORTS_${partitions}_${partition}`, (message) => messages.push(streamed(partition, message)));
    await readStream(natsUrl, `CHANGES_${partitions}_${partition}`, (message) => published.push(publication(partition, message)));
  }
  return { ...kept, ...witnessed, messages, published, publishedSince: Date.now() - CHANGES_KEPT_MS + MARGIN_MS };
}

type Kept = Omit<Evidence, keyof Witnessed | "messages" | "published" | "publishedSince">;

/** One read transaction: a picture of one moment. */
function readDatabase(file: string): Kept {
  const database = new Database(file, { readonly: true });
  try {
    const all = <Row>(sql: string): Row[] => database.prepare(sql).all() as Row[];
    return database.transaction((): Kept => ({
      partitions: all<PartitionRow>(PARTITIONS),
      log: all(LOG),
      deadLetters: all<{ stream: string; sequence: number }>("SELECT stream, sequence FROM dead_letters").flatMap(deadLetterKey),
      sensors: all<SensorColumns>(SENSORS).map(sensorRow),
      changes: all(CHANGES),
      webhooks: all<WebhookColumns>(WEBHOOKS).map(owedWebhook),
      deliveries: all(DELIVERIES),
    }))();
  } finally {
    database.close();
  }
}

const PARTITIONS = `SELECT ingest.partition, ingest.generation, ingest.cursor, coalesce(notify.change_number, 0) AS planned
  FROM partitions AS ingest LEFT JOIN partitions AS notify ON notify.partition = ingest.partition AND notify.role = 'notify'
  WHERE ingest.role = 'ingest'`;
const LOG = `SELECT partition, generation, sequence, sensor_id AS sensorId, report_id AS reportId, status, severity, at,
  received_at AS receivedAt, disposition, change_number AS changeNumber FROM reports`;
const SENSORS = `SELECT sensors.id, heartbeat_interval_seconds + heartbeat_grace_seconds AS seconds, status, severity, availability, revision
  FROM sensors LEFT JOIN states ON states.sensor_id = sensors.id`;
const CHANGES = "SELECT partition, number, sensor_id AS sensorId, revision, recorded_at AS recordedAt, data FROM changes";
const WEBHOOKS = "SELECT webhook_id AS id, filter, after FROM webhook_versions WHERE version = 1";
const DELIVERIES = "SELECT id, webhook_id AS webhookId, partition, number, sensor_id AS sensorId, revision, state, reason FROM deliveries";

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

interface WebhookColumns {
  readonly id: string;
  readonly filter: string;
  readonly after: string;
}

/** As it was created: the ledger's runs do not edit webhooks. */
function owedWebhook({ id, filter, after }: WebhookColumns): OwedWebhook {
  return { id, filter: JSON.parse(filter), after: JSON.parse(after) };
}

/** None for what never was in a partition's stream. */
function deadLetterKey({ stream, sequence }: { stream: string; sequence: number }): DeadLetterKey[] {
  const partition = /^REPORTS_\d+_(\d+)$/.exec(stream)?.[1];
  return partition === undefined ? [] : [{ partition: Number(partition), sequence }];
}

async function readStream(url: string, stream: string, take: (message: JsMsg) => void): Promise<void> {
  const connection = await connect({ servers: url });
  try {
    const { state } = await (await jetstreamManager(connection)).streams.info(stream);
    if (state.messages === 0) return;
    const consumer = await jetstream(connection).consumers.get(stream);
    for await (const message of await consumer.consume({ max_messages: CONSUMED_AT_ONCE })) {
      take(message);
      if (message.seq >= state.last_seq) break;
    }
  } finally {
    await connection.close();
  }
}

function streamed(partition: number, { seq: sequence, subject, time }: JsMsg): StreamedMessage {
  return { partition, sequence, id: subject.slice(subject.lastIndexOf(".") + 1), timeMs: time.getTime() };
}

function publication(partition: number, message: JsMsg): PublishedChange {
  const { seq: sequence, subject, headers } = message;
  return { partition, sequence, subject, msgId: headers?.get("Nats-Msg-Id") ?? "", body: message.string() };
}
