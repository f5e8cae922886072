/**
 * The store's port: everything that is kept, in the words of the domain. Two drivers keep the same promises (test/store/conformance.ts).
 * All times are epoch milliseconds. Every method may throw a `Fault` of kind `unavailable`; which other kinds it throws stands beside it.
 * A folder that needs little asks for the small interface, not for `Store`.
 */
import type { Change, ChangeKind } from "../domain/change";
import type { Disposition } from "../domain/decide";
import type { DeliveryState } from "../domain/delivery";
import type { Report } from "../domain/report";
import type { Sensor } from "../domain/sensor";
import type { State } from "../domain/state";
import type { AuditStore } from "./auditStore";
import type { ChangeFeedStore } from "./changeFeed";
import type { ErasureStore } from "./erasureStore";
import type { HistoryStore } from "./historyStore";
import type { IdempotencyStore } from "./idempotencyStore";
import type { Page, PageRequest, TimeRange } from "./pages";
import type { ReplayStore } from "./replayStore";
import type { SearchStore } from "./searchStore";
import type { SensorReadStore } from "./sensorReadStore";
import type { SensorStore } from "./sensorStore";
import type { SharedSecretStore } from "./sharedSecretStore";
import type { EditedSeverities, StatusStore } from "./statusStore";
import type { TimelineStore } from "./timelineStore";
import type { TokenStore } from "./tokenStore";
import type { UpsertStore } from "./upsertStore";
import type { Filter, OperationalKind, Terms, Webhook, WebhookSettings, WebhookState, WebhookVersion } from "../domain/webhook";

export * from "./auditStore";
export * from "./changeFeed";
export * from "./erasureStore";
export * from "./historyStore";
export * from "./idempotencyStore";
export * from "./pages";
export * from "./replayStore";
export * from "./searchStore";
export * from "./sensorReadStore";
export * from "./sensorStore";
export * from "./sharedSecretStore";
export * from "./statusStore";
export * from "./timelineStore";
export * from "./tokenStore";
export * from "./upsertStore";

export interface Store
  extends
    PartitionStore,
    IngestStore,
    ChangeLogStore,
    ChangeFeedStore,
    PlanStore,
    DeliveryStore,
    ReplayStore,
    SearchStore,
    SensorStore,
    SensorReadStore,
    SharedSecretStore,
    UpsertStore,
    HistoryStore,
    ErasureStore,
    TimelineStore,
    StatusStore,
    WebhookStore,
    DeadLetterStore,
    TokenStore,
    AuditStore,
    IdempotencyStore,
    IncidentStore,
    MaintenanceStore {
  /** Writes and takes back a row: whether the database would take a commit now. */
  probe(): Promise<void>;
  /** How many migrations brought the tables to where they are that this program does not know: those of a newer one. */
  unknownMigrations(): Promise<number>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** For who only looks: nothing is made or changed in a database that others may use. (What lies in a data folder is one's own.) */
  readonly asFound?: boolean;
}

// ── partitions and leases ────────────────────────────────────────────────────────────────────────────────────────────

export type LeasedRole = "ingest" | "notify";

/** A fenced right to work on a partition in one role. Every acquisition raises `epoch`. */
export interface Lease {
  readonly role: LeasedRole;
  readonly partition: number;
  readonly owner: string;
  readonly epoch: number;
}

/** Where the owner of a partition stands. For `notify`, `changeNumber` is the last change that was planned, and the stream's fields are unused. */
export interface PartitionPosition {
  /** Counts the streams that this partition has read, from 1. */
  readonly generation: number;
  /** The sequence of the last committed message; 0 before the first. */
  readonly cursor: number;
  /** That message's JetStream time in nanoseconds, as decimal digits; null before the first. */
  readonly cursorTimeNs: string | null;
  /** The `receivedAt` of that message, monotonic; 0 before the first. */
  readonly receivedAt: number;
  /** When the last dark time ended; 0 if there was none. */
  readonly darkEndedAt: number;
  /** The number of the last change. */
  readonly changeNumber: number;
  /** The number up to which changes are known to be in `CHANGES`. */
  readonly published: number;
}

export interface AcquiredLease {
  readonly lease: Lease;
  readonly position: PartitionPosition;
  /**
   * The registry's version that the last commit was decided on (see {@link BatchPart.registryVersion}): the first commit is refused if
   * there were edits since, whoever owned the partition when they came.
   */
  readonly registryVersion: number;
}

export interface PartitionStore {
  /** Fixes P at the first call and gives what holds: `wanted` null takes what is there, or `fallback` if nothing is. Throws `conflict` for another P. */
  fixPartitionCount(wanted: number | null, fallback: number): Promise<number>;
  /** Null while another owner's lease lasts, unless `takeOver` says that it is known to be dead. */
  acquireLease(wanted: {
    role: LeasedRole;
    partition: number;
    owner: string;
    ttlMs: number;
    takeOver: boolean;
  }): Promise<AcquiredLease | null>;
  /** False when the lease is no longer ours. */
  renewLease(lease: Lease, ttlMs: number): Promise<boolean>;
  releaseLease(lease: Lease): Promise<void>;
  /** What every partition's worker has reached, for /metrics and the CLI. */
  listPartitions(): Promise<PartitionStatus[]>;
  /** Says that a node lives for `ttlMs` more; gives all that live, by their ids. */
  beat(node: LiveNode, ttlMs: number): Promise<LiveNode[]>;
  /** A node takes no more work; unknown ids are none. */
  leave(nodeIds: readonly string[]): Promise<void>;
}

/** A process, and what it works at. */
export interface LiveNode {
  readonly id: string;
  readonly roles: readonly LeasedRole[];
}

export interface PartitionStatus extends PartitionPosition {
  readonly role: LeasedRole;
  readonly partition: number;
  readonly owner: string | null;
  readonly epoch: number;
  readonly leaseUntil: number;
}

// ── ingest ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface SensorAndState {
  readonly sensor: Sensor;
  /** A tombstone: registered again under its id, the next life is `sensor.life + 1`. */
  readonly deleted: boolean;
  /** When it was; null while it is registered. */
  readonly deletedAt: number | null;
  /** As last written, perhaps in an earlier life; see `currentState`. */
  readonly state: State | null;
}

export interface RegistryEdits {
  readonly registryVersion: number;
  readonly statusesVersion: number;
  readonly sensors: readonly SensorAndState[];
}

export interface ReportKey {
  readonly sensorId: string;
  readonly reportId: string;
}

/** A report's row in the log. */
export interface ReportRow {
  readonly sequence: number;
  readonly sensorId: string;
  readonly report: Report;
  readonly receivedAt: number;
  readonly disposition: Disposition;
  /** The number of the change that it made, if it made one. */
  readonly changeNumber: number | null;
}

export interface DeadLetterRow {
  readonly sequence: number;
  readonly subject: string;
  readonly receivedAt: number;
  readonly reason: string;
  readonly payload: Uint8Array;
}

export interface IncidentDraft {
  /** What kind of thing should not have been, for example `stream.recreated`. */
  readonly kind: string;
  readonly partition: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What one partition adds in one commit. Everything holds, or nothing of it does. */
export interface BatchPart {
  readonly lease: Lease;
  readonly leaseTtlMs: number;
  /** The version that the sensors were loaded at; the commit is refused if an edit came since. */
  readonly registryVersion: number;
  /** Where the partition stood; the commit is refused if it moved since. */
  readonly from: PartitionPosition;
  readonly to: PartitionPosition;
  /** The stream that the sequences count in, for example REPORTS_1_0. */
  readonly stream: string;
  /** Sensors that register themselves with their first report: `life` 1, or one more than their tombstone's. */
  readonly registrations: readonly Sensor[];
  readonly reports: readonly ReportRow[];
  readonly states: readonly { readonly sensorId: string; readonly state: State }[];
  /** In order: numbers from.changeNumber + 1 … to.changeNumber. */
  readonly changes: readonly Change[];
  readonly deadLetters: readonly DeadLetterRow[];
  readonly incidents: readonly IncidentDraft[];
}

export type PartOutcome =
  | { readonly kind: "committed"; readonly recordedAt: number }
  /** Another epoch: we are not the owner any more. */
  | { readonly kind: "fenced" }
  /** The commit whose answer was lost: it is in already. */
  | { readonly kind: "alreadyCommitted" }
  /** Neither where it was nor where it goes: our picture is wrong, load the position again. */
  | { readonly kind: "moved" }
  /** A sensor was edited, or the catalogue: load what changed and decide again. */
  | { readonly kind: "registryMoved"; readonly registryVersion: number };

export interface IngestStore {
  loadSensors(ids: readonly string[]): Promise<SensorAndState[]>;
  /** Sensors of a partition that were stamped with a version above `version`, and, on the same snapshot, which edit the catalogue is at. */
  sensorsEditedAfter(partition: number, version: number): Promise<RegistryEdits>;
  loadSeverities(): Promise<EditedSeverities>;
  /** For each key, when the log last received that report (not counting duplicates); null if not since `since`. */
  knownReports(keys: readonly ReportKey[], since: number): Promise<(number | null)[]>;
  /** Sensors whose `checkAt` is not after `watermark`, the longest due first. */
  sensorsDue(partition: number, watermark: number, limit: number): Promise<SensorAndState[]>;
  hasHeartbeats(partition: number): Promise<boolean>;
  countSensors(): Promise<number>;
  /** One transaction; the outcomes stand in the parts' order, and a refused part leaves the others alone. */
  commitBatch(parts: readonly BatchPart[]): Promise<PartOutcome[]>;
}

/** A change as the publisher and the planner read it. */
export interface LoggedChange {
  readonly partition: number;
  readonly number: number;
  readonly sensorId: string;
  readonly kind: ChangeKind;
  readonly occurredAt: number;
  readonly recordedAt: number;
  /** The JSON text of `ChangeData`, as it was written with the change. */
  readonly data: string;
}

export interface ChangeLogStore {
  /** Changes of a partition beyond a number, in order. */
  changesAfter(partition: number, number: number, limit: number): Promise<LoggedChange[]>;
  /** Moves `published` for a partition that stands idle. False when the lease is no longer ours. */
  markPublished(lease: Lease, number: number): Promise<boolean>;
}

// ── notify ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface WebhookSet {
  readonly version: number;
  /** Every version that a change not yet planned may have to be matched against, oldest first. */
  readonly versions: readonly WebhookVersion[];
}

export interface PlannedDelivery {
  readonly webhookId: string;
  readonly number: number;
  readonly sensorId: string;
  readonly revision: number;
  /** `skipped` for a disabled webhook, with the reason. */
  readonly state: "pending" | "skipped";
  readonly reason: string | null;
  /**
   * `lane`: it leads its lane if that is empty, not before `minIntervalMs` after the lane's last success; `free`: it is due at once;
   * `batch`: it is due since the beginning of time, so that what is due comes in the order of planning — unless its lane holds one that
   * was planned otherwise, behind which it waits.
   */
  readonly begins: Terms["begins"];
  readonly minIntervalMs: number;
}

export interface Plan {
  readonly lease: Lease;
  readonly leaseTtlMs: number;
  readonly webhooksVersion: number;
  /** Change numbers: planned so far, and planned with this. */
  readonly from: number;
  readonly to: number;
  readonly deliveries: readonly PlannedDelivery[];
}

export type PlanOutcome =
  /** `heads`: those of the plan that lead their lane and may be sent at once; none of a plan that was in already. */
  | { readonly kind: "planned"; readonly plannedAt: number; readonly heads: readonly DueDelivery[] }
  | { readonly kind: "fenced" }
  | { readonly kind: "moved" }
  | { readonly kind: "webhooksMoved" };

/** The head of a lane, with what an attempt needs. */
export interface DueDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly sensorId: string;
  readonly partition: number;
  readonly number: number;
  /** From when its days are counted: when it was planned, or sent again by hand. */
  readonly plannedAt: number;
  readonly nextAttemptAt: number;
  /** Failures of the lane in a row. */
  readonly laneFailures: number;
  /** Answers to this delivery that spoke of the message (400, 413, 415, 422). */
  readonly rejections: number;
}

export interface PlanStore {
  /** `known`: what was read before; only what it does not tell of is read, with others' turns between where that is much. */
  webhookSet(known?: WebhookSet | null): Promise<WebhookSet>;
  /** One transaction under the fence: the deliveries and the cursor, or nothing. A plan whose answer was lost may be committed again. */
  commitPlan(plan: Plan): Promise<PlanOutcome>;
}

/** How an attempt ended, as it is kept. */
export interface AttemptRow {
  readonly at: number;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly error: string | null;
  /** The beginning of the answer's body, as text; null when there was none. */
  readonly response: string | null;
}

/** What a finished attempt does to its delivery. */
export interface Settlement {
  readonly delivery: DueDelivery;
  readonly attempt: AttemptRow | null;
  readonly verdict:
    /** `nextAttemptAt`: when the next of the lane may be tried; left out, at once. */
    | { readonly kind: "delivered"; readonly nextAttemptAt?: number }
    | Retry
    /** `nextAttemptAt`: when the next of the lane is tried; left out, when this one would have been, at once if that is over. */
    | { readonly kind: "failed"; readonly reason: string; readonly nextAttemptAt?: number };
}

export interface Retry {
  readonly kind: "retry";
  /** Null leaves it due as it was: it goes with its batch. */
  readonly nextAttemptAt: number | null;
  readonly rejected: boolean;
  /** The endpoint itself asked for that long. */
  readonly heldUntil?: number | null;
  /** It comes again in a smaller batch, to find out which is meant: not one more failure in a row, however often it happens. */
  readonly inPieces?: boolean;
}

export interface SettleOutcome {
  /** False when the lease is no longer ours: nothing was written. */
  readonly held: boolean;
  /** Deliveries that now lead their lanes and are due. */
  readonly heads: readonly DueDelivery[];
}

export interface NextDue {
  readonly webhookId: string;
  readonly nextAttemptAt: number;
  /** When the last of its heads is due. */
  readonly lastAttemptAt: number;
  /** The webhook is gone: what it is owed is for the caller to end, whenever it is due. */
  readonly deleted: boolean;
}

export interface DeliveryStore {
  /** For each webhook with anything pending in the partition, when its next head is due; not for those that are paused or disabled. */
  nextDue(partition: number): Promise<NextDue[]>;
  /** The heads of a webhook that are due at `now`, the longest due first. */
  dueHeads(partition: number, webhookId: string, now: number, limit: number): Promise<DueDelivery[]>;
  /** What an attempt sends: the webhook as it is now (null once deleted) and the change's body. */
  webhookById(id: string): Promise<Webhook | null>;
  /** Those of them that are there, in no order. */
  webhooksById(ids: readonly string[]): Promise<Webhook[]>;
  loggedChange(partition: number, number: number): Promise<LoggedChange | null>;
  /**
   * One transaction under the fence: the outcomes, the attempts, and the promotion of the next in each lane. A lane's failures go on
   * to its next head, a success ends them, and so does a refusal that speaks of the message (`rejected`); a webhook's `lastSuccessAt`, `failingSince` and `heldUntil` move along (a success ends
   * `failingSince`; what an endpoint asked for holds until it is over). A delivery that is no longer pending keeps its state and only gains the attempt. A settlement whose attempt (its `at`
   * and `durationMs`) is in already does nothing: the answer was lost to whoever settles it again.
   *
   * The same transaction says what is of interest to operators: `delivery.failed` for each delivery of a change that ends as failed
   * after an attempt or by its age, and `webhook.failing`, once for each time that `failingSince` is {@link FAILING_TOLD_AFTER_MS} past.
   */
  settle(lease: Lease, leaseTtlMs: number, settlements: readonly Settlement[]): Promise<SettleOutcome>;
  /**
   * The heads of a webhook that are due at `now` (see dueHeads), after every lane that such a head leads was cut down to its newest
   * pending delivery, which leads it from now on, due when the old head was; the others end as `coalesced (superseded)`. Lanes whose
   * head is among `except` (ids) are left alone and not given: it is under way.
   */
  coalesceDue(
    lease: Lease,
    query: { readonly webhookId: string; readonly now: number; readonly limit: number; readonly except: readonly string[] },
  ): Promise<{ readonly heads: DueDelivery[]; readonly coalesced: number }>;
  /** Null when it was pruned. */
  operationalEvent(number: number): Promise<OperationalEvent | null>;
  /**
   * Makes every head of a webhook due that waits after a failure of its lane: the endpoint is back. One that waits for its lane's rest
   * after a success goes on waiting. Gives how many were waiting.
   */
  wakeWebhook(lease: Lease, webhookId: string, now: number): Promise<number>;
  /** Ends up to `limit` pending deliveries of a webhook as failed, while it is gone or disabled; gives how many. */
  failOwed(webhookId: string, reason: string, limit: number): Promise<number>;
  /** Heads that were planned before `plannedBefore`, and are to end as `failed (expired)`. */
  expiredHeads(partition: number, plannedBefore: number, limit: number): Promise<DueDelivery[]>;
  /**
   * Makes one delivery pending and due now, whatever its state (a delivered one is sent again under the same id).
   * Throws notFound; conflict when its webhook is gone or disabled, or when it waits behind the head of its lane.
   */
  retryDelivery(id: string, now: number): Promise<DeliveryRecord>;
  listDeliveries(query: DeliveryQuery, page: PageRequest): Promise<Page<DeliveryRecord>>;
  getDelivery(id: string): Promise<DeliveryRecord | null>;
}

/** What the service says of itself to the webhooks that ask for it. Numbered in the order of recording. */
export interface OperationalEvent {
  readonly number: number;
  readonly kind: OperationalKind;
  /** Whom it speaks of. */
  readonly webhookId: string;
  readonly recordedAt: number;
  /** The JSON text of the event's `data`. */
  readonly data: string;
}

/** A failing webhook is told of when it has failed for so long without a success. */
export const FAILING_TOLD_AFTER_MS = 5 * 60_000;

export interface DeliveryQuery {
  readonly webhookId?: string;
  readonly sensorId?: string;
  /** Any of them. */
  readonly states?: readonly DeliveryState[];
  /** Of `plannedAt`. */
  readonly range?: TimeRange;
}

export interface DeliveryRecord {
  readonly id: string;
  readonly webhookId: string;
  /** Null for an operational event, as `sensorId`. */
  readonly changeId: string | null;
  /** `evt_` and the number of the operational event that it carries, else null. */
  readonly eventId: string | null;
  readonly sensorId: string | null;
  readonly partition: number;
  readonly revision: number;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly plannedAt: number;
  readonly nextAttemptAt: number | null;
  /** The last of them, at most {@link ATTEMPTS_SHOWN_MAX}, in their order. */
  readonly attempts: readonly AttemptRow[];
}

/** A schedule of seconds makes hundreds of thousands in the days of one delivery. */
export const ATTEMPTS_SHOWN_MAX = 100;

// ── what the API reads and writes ────────────────────────────────────────────────────────────────────────────────────

export interface WebhookDraft {
  readonly url: string;
  readonly filter: Filter;
  readonly description: string;
  readonly concurrency: number;
  readonly settings: WebhookSettings;
  /** Sealed. */
  readonly credentials: string;
}

export interface WebhookStore {
  /** Owed exactly the changes recorded after this. Throws conflict at WEBHOOKS_MAX. */
  createWebhook(draft: WebhookDraft & { id: string }): Promise<Webhook>;
  getWebhook(id: string): Promise<Webhook | null>;
  /**
   * Throws notFound, preconditionFailed. Another `url`, and becoming `active` again, makes every head due at once that waits after a
   * failure, and ends `failingSince` and `heldUntil`: they belonged to the endpoint as it was. Where it changes how deliveries begin (see
   * Terms), those that are pending wait for each other, or cease to, as if they had been planned by that. Becoming `disabled` records the
   * operational event `webhook.disabled` in the same transaction. One that is as it is to be is not edited, and given at the version that
   * it has.
   */
  updateWebhook(
    id: string,
    edit: Partial<WebhookDraft> & { state?: WebhookState; stateReason?: string | null },
    expectedVersion: number | null,
  ): Promise<Webhook>;
  /** Throws notFound, preconditionFailed. Its deliveries stay readable; what is owed ends by `failOwed`. */
  deleteWebhook(id: string, expectedVersion: number | null): Promise<void>;
  /** By the bytes of the id, ascending. */
  listWebhooks(page: PageRequest): Promise<Page<Webhook>>;
  /** What a webhook was, from its making on, oldest first: those that planning had to know, at most the last thousand; also of one that is gone. */
  webhookVersions(id: string): Promise<WebhookVersion[]>;
  /** Of every webhook, for sealing anew. */
  listCredentials(): Promise<{ readonly id: string; readonly credentials: string }[]>;
  /** False when they are no longer `before`. No edit: versions stay as they are. */
  replaceCredentials(id: string, before: string, after: string): Promise<boolean>;
}

export interface DeadLetterRecord extends DeadLetterRow {
  readonly id: string;
  readonly stream: string;
}

export interface DeadLetterStore {
  /** Newest first. A page may end before its limit, so that the payloads of one stay within a few MiB. */
  listDeadLetters(page: PageRequest): Promise<Page<DeadLetterRecord>>;
  getDeadLetter(id: string): Promise<DeadLetterRecord | null>;
  /** For what lands outside any partition's log (STRAYS): once for each (stream, sequence), moving that stream's cursor. */
  recordStrays(stream: string, rows: readonly DeadLetterRow[], cursor: { sequence: number; timeNs: string }): Promise<void>;
  strayCursor(stream: string): Promise<{ sequence: number; timeNs: string } | null>;
}

export interface IncidentRecord extends IncidentDraft {
  readonly id: string;
  readonly recordedAt: number;
}

export interface IncidentStore {
  /** Newest first. */
  listIncidents(page: PageRequest): Promise<Page<IncidentRecord>>;
  getIncident(id: string): Promise<IncidentRecord | null>;
}

// ── upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface MaintenanceStore {
  /**
   * Takes out rows from before these times, at most `limit` of each table; gives how many it took, by table. Leaves every change that is
   * not yet published or planned, and every delivery that is still pending; attempts go with their delivery, and where these are very many,
   * fewer deliveries go. What is kept by days may go a whole day at once, whatever the limit.
   */
  prune(
    before: { reports: number; changes: number; deliveries: number; deadLetters: number },
    limit: number,
  ): Promise<Record<string, number>>;
  /** Makes room for the reports of today and of so many days to come; gives for how many days after today there is room, null where none has to be made. */
  prepareDays(ahead: number): Promise<number | null>;
}
