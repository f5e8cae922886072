import { type Change, type ChangeDraft, numberChange } from "../domain/change";
import { decide, judgeHeartbeat } from "../domain/decide";
import { parseReport, type Report, REPORT_ID_MEMORY_MS } from "../domain/report";
import { isSensorId, partitionOf, PROBE_ID, type Sensor, TICK_ID } from "../domain/sensor";
import type { State } from "../domain/state";
import type { StatusCatalogue } from "../domain/statusCatalogue";
import type { StreamMessage } from "../jetstream/ports";
import type { BatchPart, DeadLetterRow, IngestStore, PartitionPosition, ReportKey, ReportRow } from "../store/store";
import type { KnownSensor, SensorCache } from "./sensorCache";
import { SensorInBatch } from "./sensorInBatch";

/** Neighbouring messages further apart mark a dark time, ours or the broker's: ticks come every half second. */
const DARK_AFTER_MS = 2000;
/** The most heartbeats judged at one tick; the rest is judged at the next ones, as of the same deadlines. */
const DUE_AT_TICK_MAX = 20_000;

export interface BatchRules {
  readonly partition: number;
  readonly partitions: number;
  /** How many more sensors may register themselves; 0 while registration is closed. */
  readonly registrationsLeft: number;
  readonly registrationOpen: boolean;
}

export interface BatchMeans {
  readonly rules: BatchRules;
  readonly store: Pick<IngestStore, "knownReports" | "sensorsDue">;
  readonly cache: SensorCache;
}

/** What a batch comes to: the rows of its commit, and what is to be known of its sensors once it is in. */
export interface DecidedBatch {
  readonly rows: Pick<BatchPart, "registrations" | "reports" | "states" | "changes" | "deadLetters">;
  readonly to: Omit<PartitionPosition, "generation" | "published">;
  readonly unknownFields: number;
  /** Makes what the batch believes known: when it is on its way in. */
  readonly settle: () => void;
  /** Takes that back: it did not come in. Nothing may have been decided on top of it that still counts. */
  readonly unsettle: () => void;
}

type Parsed = ParsedReport | ParsedTick;

interface ParsedTick {
  readonly kind: "tick";
  readonly receivedAt: number;
  /** As it was at the tick: a dark time behind it, in the same batch, excuses nobody before it. */
  readonly darkEndedAt: number;
}

export interface ParsedReport {
  readonly kind: "report";
  readonly message: StreamMessage;
  readonly sensor: SensorInBatch;
  readonly receivedAt: number;
  readonly report: Report;
}

/** Decides a batch in the order of the log. Reads the store, writes nothing. */
export async function decideBatch(messages: readonly StreamMessage[], from: PartitionPosition, means: BatchMeans): Promise<DecidedBatch> {
  const batch = new Batch(from, { ...means, catalogue: await means.cache.catalogue() });
  const parsed = batch.parse(messages);
  await batch.meetStrangers();
  await findRepeats(parsed, means.store);
  for (const item of parsed) {
    if (item.kind === "report") batch.decideReport(item);
    else await batch.judge(item, means.store);
  }
  return batch.finish(messages);
}

/** Asks the log which of the batch's reports it holds already; the batch adds its own as it goes. */
export async function findRepeats(parsed: readonly Parsed[], store: Pick<IngestStore, "knownReports">): Promise<void> {
  const keys: ReportKey[] = [];
  const sensors: SensorInBatch[] = [];
  let oldest = Infinity;
  for (const item of parsed) {
    if (item.kind !== "report" || !item.sensor.mayRepeat(item.report)) continue;
    const { sensor, report, receivedAt } = item;
    keys.push({ sensorId: sensor.sensorId, reportId: report.id as string });
    sensors.push(sensor);
    oldest = Math.min(oldest, receivedAt);
  }
  if (keys.length === 0) return;
  const found = await store.knownReports(keys, oldest - REPORT_ID_MEMORY_MS);
  keys.forEach(({ reportId }, index) => {
    const receivedAt = found[index];
    if (receivedAt != null) sensors[index]?.remember(reportId, receivedAt);
  });
}

/** A batch in the making; nobody but it knows of what it believes until it is settled. */
export class Batch {
  readonly #sensors = new Map<string, SensorInBatch>();
  /** Those of which nothing is in memory. */
  readonly #strangers: SensorInBatch[] = [];
  readonly #moved: SensorInBatch[] = [];
  readonly #registrations: Sensor[] = [];
  readonly #reports: ReportRow[] = [];
  readonly #changes: Change[] = [];
  readonly #deadLetters: DeadLetterRow[] = [];
  #receivedAt: number;
  #darkEndedAt: number;
  #unknownFields = 0;

  constructor(
    private readonly from: PartitionPosition,
    private readonly means: Pick<BatchMeans, "rules" | "cache"> & { readonly catalogue: StatusCatalogue },
  ) {
    this.#receivedAt = from.receivedAt;
    this.#darkEndedAt = from.darkEndedAt;
  }

  parse(messages: readonly StreamMessage[]): Parsed[] {
    const parsed: Parsed[] = [];
    for (const message of messages) {
      const receivedAt = this.#advanceClock(message.timeMs);
      if (message.id === TICK_ID) parsed.push({ kind: "tick", receivedAt, darkEndedAt: this.#darkEndedAt });
      else if (message.id !== PROBE_ID) {
        const item = this.#parseReport(message, receivedAt);
        if (item !== null) parsed.push(item);
      }
    }
    return parsed;
  }

  hasStrangersAmong(sensors: readonly { readonly sensorId: string }[]): boolean {
    if (this.#strangers.length === 0) return false;
    const ids = new Set(sensors.map(({ sensorId }) => sensorId));
    return this.#strangers.some(({ sensorId }) => ids.has(sensorId));
  }

  async meetStrangers(): Promise<void> {
    if (this.#strangers.length === 0) return;
    const known = await this.means.cache.load(this.#strangers.map(({ sensorId }) => sensorId));
    for (const [index, stranger] of this.#strangers.entries()) stranger.meet(known[index] as KnownSensor);
  }

  decideReport(item: ParsedReport): void {
    const { message, sensor: reporter, receivedAt, report } = item;
    const sensor = reporter.sensor ?? this.#register(message, receivedAt, reporter.state.life);
    if (sensor === null) return;
    const duplicate = reporter.repeats(report, receivedAt);
    const { state, disposition, change } = decide(sensor, reporter.state, item, { duplicate, catalogue: this.means.catalogue });
    if (report.id !== null && !duplicate) reporter.remember(report.id, receivedAt);
    if (state !== reporter.state || reporter.sensor === null) this.#move(reporter, sensor, state);
    const changeNumber = change === null ? null : this.#addChange(change, sensor);
    this.#reports.push({ sequence: message.sequence, sensorId: sensor.id, report, receivedAt, disposition, changeNumber });
  }

  /** Judges those whose check is due, as far as this batch left them. */
  async judge({ receivedAt: watermark, darkEndedAt }: ParsedTick, store: Pick<IngestStore, "sensorsDue">): Promise<void> {
    const due = await this.#dueSensors(watermark, store);
    const missed: { readonly sensor: Sensor; readonly change: ChangeDraft }[] = [];
    const moved = this.#moved.filter((sensor) => sensor.state.checkAt !== null && sensor.state.checkAt <= watermark && !due.has(sensor));
    for (const suspect of [...due, ...moved]) {
      const { sensor, state } = suspect;
      if (sensor === null) {
        this.#move(suspect, null, state);
        continue;
      }
      const judged = judgeHeartbeat(sensor, state, { watermark, darkEndedAt });
      this.#move(suspect, sensor, judged.state);
      if (judged.change !== null) missed.push({ sensor, change: judged.change });
    }
    // Whoever stands in this batch and whoever the store knows of come in an order that does not depend on the batch.
    missed.sort((a, b) => a.change.occurredAt - b.change.occurredAt || (a.sensor.id < b.sensor.id ? -1 : 1));
    for (const { sensor, change } of missed) this.#addChange(change, sensor);
  }

  finish(messages: readonly StreamMessage[]): DecidedBatch {
    const last = messages.at(-1) as StreamMessage;
    const moved = this.#moved;
    return {
      rows: {
        registrations: this.#registrations,
        reports: this.#reports,
        states: moved,
        changes: this.#changes,
        deadLetters: this.#deadLetters,
      },
      to: {
        cursor: last.sequence,
        cursorTimeNs: last.timeNs(),
        receivedAt: this.#receivedAt,
        darkEndedAt: this.#darkEndedAt,
        changeNumber: this.from.changeNumber + this.#changes.length,
      },
      unknownFields: this.#unknownFields,
      settle: () => {
        for (const sensor of moved) sensor.settle();
      },
      unsettle: () => {
        for (const sensor of moved) sensor.unsettle();
      },
    };
  }

  /** The stream's clock made monotonic: a broker that takes over may be a little behind the one before. */
  #advanceClock(timeMs: number): number {
    const receivedAt = Math.max(this.#receivedAt, timeMs);
    if (receivedAt - this.#receivedAt > DARK_AFTER_MS) this.#darkEndedAt = receivedAt;
    this.#receivedAt = receivedAt;
    return receivedAt;
  }

  #parseReport(message: StreamMessage, receivedAt: number): ParsedReport | null {
    const { id } = message;
    const met = this.#sensors.get(id);
    const known = met === undefined ? this.means.cache.get(id) : undefined;
    const refusal = met === undefined && known === undefined ? this.#refusalOf(id) : null;
    if (refusal !== null) return this.#refuse(message, receivedAt, refusal);
    const parsed = parseReport(message.payload);
    if (!parsed.ok) return this.#refuse(message, receivedAt, parsed.reason);
    this.#unknownFields += parsed.unknownFields;
    return { kind: "report", message, sensor: met ?? this.#meet(id, known), receivedAt, report: parsed.report };
  }

  #meet(id: string, known: KnownSensor | undefined): SensorInBatch {
    const sensor = new SensorInBatch(id);
    this.#sensors.set(id, sensor);
    if (known === undefined) this.#strangers.push(sensor);
    else sensor.meet(known);
    return sensor;
  }

  async #dueSensors(watermark: number, store: Pick<IngestStore, "sensorsDue">): Promise<Set<SensorInBatch>> {
    const { rules, cache } = this.means;
    const due = await store.sensorsDue(rules.partition, watermark, DUE_AT_TICK_MAX);
    return new Set(due.map((row) => this.#sensors.get(row.sensor.id) ?? this.#meet(row.sensor.id, cache.remember(row))));
  }

  /** Why no sensor of this partition can have this id, or null. */
  #refusalOf(id: string): string | null {
    if (!isSensorId(id)) return "the subject's id is not a sensor id";
    const { partition, partitions } = this.means.rules;
    if (partitionOf(id, partitions) === partition) return null;
    return `sensor ${id} does not belong to partition ${partition} of ${partitions}`;
  }

  #refuse(message: StreamMessage, receivedAt: number, reason: string): null {
    const { sequence, subject, payload } = message;
    this.#deadLetters.push({ sequence, subject, receivedAt, reason, payload });
    return null;
  }

  #register(message: StreamMessage, receivedAt: number, life: number): Sensor | null {
    const { registrationOpen, registrationsLeft } = this.means.rules;
    if (!registrationOpen) return this.#refuse(message, receivedAt, "the sensor is not registered, and registration is closed");
    if (this.#registrations.length >= registrationsLeft) {
      return this.#refuse(message, receivedAt, "the sensor is not registered, and as many sensors are as may be (SENSORS_MAX)");
    }
    const sensor: Sensor = {
      id: message.id,
      name: message.id,
      labels: {},
      metadata: {},
      heartbeat: null,
      version: 1,
      life,
      createdAt: receivedAt,
      updatedAt: receivedAt,
    };
    this.#registrations.push(sensor);
    return sensor;
  }

  #move(moving: SensorInBatch, sensor: Sensor | null, state: State): void {
    moving.sensor = sensor;
    moving.state = state;
    if (moving.moved) return;
    moving.moved = true;
    this.#moved.push(moving);
  }

  #addChange(draft: ChangeDraft, sensor: Sensor): number {
    const number = this.from.changeNumber + this.#changes.length + 1;
    this.#changes.push(numberChange(draft, sensor, this.means.rules.partition, number));
    return number;
  }
}
