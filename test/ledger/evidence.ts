/**
 * What the ledger is given: what senders were told, what was kept, what was published, what arrived. Times are epoch milliseconds.
 * All reports of one run lie within the two days in which an id is remembered, and a sender repeats an id only with the same body.
 */
import type { DeliveryState } from "../../src/domain/delivery";
import type { Disposition } from "../../src/domain/decide";
import type { Severity } from "../../src/domain/severity";
import type { Filter, OperationalKind, WebhookSettings, WebhookState } from "../../src/domain/webhook";

export interface Evidence {
  readonly acknowledged: readonly Acknowledgement[];
  /** What the REPORTS streams hold, in any order, as far as it was kept; sequences are those of each partition's last generation. */
  readonly messages: readonly StreamedMessage[];
  /** What the partitions' owners have reached. */
  readonly partitions: readonly PartitionRow[];
  readonly log: readonly LogRow[];
  readonly deadLetters: readonly DeadLetterKey[];
  /** Every sensor that has a heartbeat had it before its first report. */
  readonly sensors: readonly SensorRow[];
  readonly changes: readonly ChangeRow[];
  /** What the CHANGES streams hold, each in its own order. */
  readonly published: readonly PublishedChange[];
  /** Changes recorded before this may have left CHANGES. */
  readonly publishedSince: number;
  readonly webhooks: readonly OwedWebhook[];
  readonly deliveries: readonly DeliveryRow[];
  /** At all receivers, in the order of arrival. */
  readonly arrivals: readonly Arrival[];
  /** What the service said of itself. */
  readonly operational: readonly OperationalRow[];
  readonly replays: readonly ReplayRow[];
  /** Of the catalogue of statuses, in their order; left out, there were none. */
  readonly edits?: readonly CatalogueEdit[];
}

export interface CatalogueEdit {
  readonly status: string;
  /** Null takes back what was set. */
  readonly severity: Severity | null;
  readonly begunAt: number;
  /** Null where no answer came. */
  readonly answeredAt: number | null;
}

/** A JetStream PubAck with `duplicate: false`, or HTTP 202. */
export interface Acknowledgement {
  readonly sensorId: string;
  readonly reportId: string;
  readonly by: "puback" | "http";
  readonly at: number;
  /** Where it says that the report stands. */
  readonly partition: number;
  readonly sequence: number;
}

export interface StreamedMessage {
  readonly partition: number;
  readonly sequence: number;
  /** The subject's last token: a sensor's id, or a reserved one ($tick, $probe). */
  readonly id: string;
  /** JetStream's time. */
  readonly timeMs: number;
}

export interface PartitionRow {
  readonly partition: number;
  readonly generation: number;
  /** The sequence of the last message that was committed. */
  readonly cursor: number;
  /** The number of the last change that was planned. */
  readonly planned: number;
}

export interface LogRow {
  readonly partition: number;
  readonly generation: number;
  readonly sequence: number;
  readonly sensorId: string;
  readonly reportId: string | null;
  readonly status: string;
  readonly severity: Severity | null;
  readonly at: number | null;
  readonly receivedAt: number;
  readonly recordedAt: number;
  readonly disposition: Disposition;
  readonly changeNumber: number | null;
}

export interface DeadLetterKey {
  readonly partition: number;
  readonly sequence: number;
}

export interface SensorRow {
  readonly id: string;
  /** Interval + grace; null without a heartbeat. */
  readonly heartbeatMs: number | null;
  /** As the state was last written. */
  readonly state: Condition & { readonly revision: number };
}

export interface Condition {
  readonly status: string | null;
  readonly severity: string | null;
  readonly availability: string;
}

export interface ChangeRow {
  readonly partition: number;
  readonly number: number;
  readonly sensorId: string;
  readonly revision: number;
  readonly recordedAt: number;
  /** The JSON text of `ChangeData`. */
  readonly data: string;
}

export interface PublishedChange {
  readonly partition: number;
  readonly sequence: number;
  readonly subject: string;
  /** `Nats-Msg-Id`. */
  readonly msgId: string;
  readonly body: string;
}

export interface OwedWebhook {
  readonly id: string;
  readonly filter: Filter;
  /** For each partition, the number of the last change that it is not owed; absent: 0. */
  readonly after: Readonly<Record<number, number>>;
  readonly settings: WebhookSettings;
  /** As it was at the end. */
  readonly state: WebhookState;
}

/** The sensor's place in a delivery that carries what the service said of itself; its `number` is that of the event. */
export const EVENTS_LANE = "$events";

export interface DeliveryRow {
  readonly id: string;
  readonly webhookId: string;
  readonly partition: number;
  readonly number: number;
  readonly sensorId: string;
  readonly revision: number;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly plannedAt: number;
}

/** One request at a receiver. */
export interface Arrival {
  /** Whose receiver it came to. */
  readonly webhookId: string;
  /** The header `webhook-id`: a delivery's, or a batch's. */
  readonly deliveryId: string;
  readonly body: string;
  readonly signatureValid: boolean;
  readonly at: number;
  /** What the receiver answered, or was about to answer when the sender died; 0 when it gave no complete answer. */
  readonly answered: number;
}

export interface OperationalRow {
  readonly number: number;
  readonly kind: OperationalKind;
  /** Whom it speaks of. */
  readonly webhookId: string;
  readonly recordedAt: number;
  /** The JSON text of its data. */
  readonly data: string;
}

/** What somebody saw who asked for a replay. */
export interface ReplayAsked {
  readonly id: string;
  /** Before it was asked for. */
  readonly askedAt: number;
  /** Deliveries in its range that had ended then, in a state that it is for. */
  readonly due: readonly string[];
  /** Those of them that had failed, as refused. */
  readonly refused: readonly string[];
}

/** A replay as it ended. */
export interface ReplayRow extends ReplayAsked {
  readonly webhookId: string;
  readonly state: "running" | "done" | "cancelled";
  /** What was planned from then … */
  readonly since: number;
  /** … and before that time, if it had ended when its turn came, in a state that the replay is for. */
  readonly until: number;
  /** How many deliveries were made due. */
  readonly replayed: number;
}
