import { type Change, type ChangeDraft, numberChange } from "../domain/change";
import { decide, judgeHeartbeat, mayBeDuplicate } from "../domain/decide";
import { parseReport, type Report, REPORT_ID_MEMORY_MS } from "../domain/report";
import { isSensorId, partitionOf, PROBE_ID, type Sensor, TICK_ID } from "../domain/sensor";
import type { State } from "../domain/state";
import type { StreamMessage } from "../jetstream/ports";
import type { BatchPart, DeadLetterRow, IngestStore, PartitionPosition, ReportKey, ReportRow } from "../store/store";
import type { KnownSensor, SensorCache } from "./sensorCache";

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

/** What a batch comes to: the rows of its commit, and what is believed of its sensors once it is in. */
export interface DecidedBatch {
  readonly rows: Pick<BatchPart, "registrations" | "reports" | "states" | "changes" | "deadLetters">;
  readonly to: Omit<PartitionPosition, "generation" | "published">;
  readonly believed: ReadonlyMap<string, KnownSensor>;
  readonly unknownFields: number;
}

type Parsed =
  | { readonly kind: "report"; readonly message: StreamMessage; readonly receivedAt: number; readonly report: Report }
  | { readonly kind: "tick"; readonly receivedAt: number };

/** Decides a batch in the order of the log. Reads the store, writes nothing. */
export async function decideBatch(
  messages: readonly StreamMessage[],
  from: PartitionPosition,
  { rules, store, cache }: { rules: BatchRules; store: Pick<IngestStore, "knownReports" | "sensorsDue">; cache: SensorCache },
): Promise<DecidedBatch> {
  const batch = new Batch(from, rules);
  const parsed = batch.parse(messages);
  const known = await cache.load(new Set(parsed.map((item) => (item.kind === "report" ? item.message.id : TICK_ID)).filter(isSensorId)));
  const repeats = await findRepeats(parsed, known, store);
  for (const item of parsed) {
    if (item.kind === "report") batch.decideReport(item, known, repeats);
    else batch.judge(await dueSensors(item.receivedAt, { partition: rules.partition, store, cache }), item.receivedAt);
  }
  return batch.finish(messages);
}

/**
 * Which of the batch's reports the log holds already, with when it received them; the batch adds its own as it goes. Asks for every report
 * that may be a repeat by the time it is decided: the ones before it in the batch move the sensor's clock on.
 */
async function findRepeats(
  parsed: readonly Parsed[],
  known: ReadonlyMap<string, KnownSensor>,
  store: Pick<IngestStore, "knownReports">,
): Promise<Map<string, number>> {
  const keys: ReportKey[] = [];
  const clocks = new Map<string, number | null>();
  let oldest = Infinity;
  for (const item of parsed) {
    if (item.kind !== "report") continue;
    const { report, message, receivedAt } = item;
    const atMax = clocks.get(message.id) ?? known.get(message.id)?.state.atMax ?? null;
    if (report.id !== null && mayBeDuplicate({ atMax }, report)) {
      keys.push({ sensorId: message.id, reportId: report.id });
      oldest = Math.min(oldest, receivedAt);
    }
    if (report.at !== null && (atMax === null || report.at > atMax)) clocks.set(message.id, report.at);
  }
  const repeats = new Map<string, number>();
  if (keys.length === 0) return repeats;
  const found = await store.knownReports(keys, oldest - REPORT_ID_MEMORY_MS);
  keys.forEach(({ sensorId, reportId }, index) => {
    const receivedAt = found[index];
    if (receivedAt != null) repeats.set(reportKey(sensorId, reportId), receivedAt);
  });
  return repeats;
}

async function dueSensors(
  watermark: number,
  { partition, store, cache }: { partition: number; store: Pick<IngestStore, "sensorsDue">; cache: SensorCache },
): Promise<Map<string, KnownSensor>> {
  const due = await store.sensorsDue(partition, watermark, DUE_AT_TICK_MAX);
  return new Map(due.map((row) => [row.sensor.id, cache.remember(row)]));
}

class Batch {
  readonly #believed = new Map<string, KnownSensor>();
  readonly #touched = new Map<string, State>();
  readonly #registrations = new Map<string, Sensor>();
  readonly #reports: ReportRow[] = [];
  readonly #changes: Change[] = [];
  readonly #deadLetters: DeadLetterRow[] = [];
  #receivedAt: number;
  #darkEndedAt: number;
  #unknownFields = 0;

  constructor(
    private readonly from: PartitionPosition,
    private readonly rules: BatchRules,
  ) {
    this.#receivedAt = from.receivedAt;
    this.#darkEndedAt = from.darkEndedAt;
  }

  parse(messages: readonly StreamMessage[]): Parsed[] {
    const parsed: Parsed[] = [];
    for (const message of messages) {
      const receivedAt = this.#advanceClock(message.timeMs);
      if (message.id === TICK_ID) parsed.push({ kind: "tick", receivedAt });
      else if (message.id !== PROBE_ID) {
        const report = this.#readReport(message, receivedAt);
        if (report !== null) parsed.push({ kind: "report", message, receivedAt, report });
      }
    }
    return parsed;
  }

  decideReport(item: Extract<Parsed, { kind: "report" }>, known: ReadonlyMap<string, KnownSensor>, repeats: Map<string, number>): void {
    const { message, receivedAt, report } = item;
    const before = this.#believed.get(message.id) ?? (known.get(message.id) as KnownSensor);
    const sensor = before.sensor ?? this.#register(message, receivedAt, before.state.life);
    if (sensor === null) return;
    const key = report.id === null ? null : reportKey(sensor.id, report.id);
    const heardAt = key !== null && mayBeDuplicate(before.state, report) ? repeats.get(key) : undefined;
    const duplicate = heardAt !== undefined && heardAt >= receivedAt - REPORT_ID_MEMORY_MS;
    const { state, disposition, change } = decide(sensor, before.state, { report, receivedAt }, duplicate);
    if (key !== null && !duplicate) repeats.set(key, receivedAt);
    if (state !== before.state || before.sensor === null) this.#believe(sensor, state);
    const changeNumber = change === null ? null : this.#addChange(change, sensor);
    this.#reports.push({ sequence: message.sequence, sensorId: sensor.id, report, receivedAt, disposition, changeNumber });
  }

  /** Judges those whose check is due, as far as this batch left them; `due` must hold every one that the store knows of. */
  judge(due: ReadonlyMap<string, KnownSensor>, watermark: number): void {
    const ids = new Set(due.keys());
    for (const [id, state] of this.#touched) if (state.checkAt !== null && state.checkAt <= watermark) ids.add(id);
    const missed: { readonly sensor: Sensor; readonly change: ChangeDraft }[] = [];
    for (const id of ids) {
      const { sensor, state } = this.#believed.get(id) ?? (due.get(id) as KnownSensor);
      if (sensor === null) {
        this.#touched.set(id, state);
        continue;
      }
      const judged = judgeHeartbeat(sensor, state, { watermark, darkEndedAt: this.#darkEndedAt });
      if (judged.state === state && !due.has(id)) continue;
      this.#believe(sensor, judged.state);
      if (judged.change !== null) missed.push({ sensor, change: judged.change });
    }
    // Whoever stands in this batch and whoever the store knows of come in an order that does not depend on the batch.
    missed.sort((a, b) => a.change.occurredAt - b.change.occurredAt || (a.sensor.id < b.sensor.id ? -1 : 1));
    for (const { sensor, change } of missed) this.#addChange(change, sensor);
  }

  finish(messages: readonly StreamMessage[]): DecidedBatch {
    const last = messages.at(-1) as StreamMessage;
    return {
      rows: {
        registrations: [...this.#registrations.values()],
        reports: this.#reports,
        states: Array.from(this.#touched, ([sensorId, state]) => ({ sensorId, state })),
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
      believed: this.#believed,
      unknownFields: this.#unknownFields,
    };
  }

  /** The stream's clock made monotonic: a broker that takes over may be a little behind the one before. */
  #advanceClock(timeMs: number): number {
    const receivedAt = Math.max(this.#receivedAt, timeMs);
    if (receivedAt - this.#receivedAt > DARK_AFTER_MS) this.#darkEndedAt = receivedAt;
    this.#receivedAt = receivedAt;
    return receivedAt;
  }

  #readReport(message: StreamMessage, receivedAt: number): Report | null {
    if (!isSensorId(message.id)) return this.#refuse(message, receivedAt, "the subject's id is not a sensor id");
    const { partition, partitions } = this.rules;
    if (partitionOf(message.id, partitions) !== partition) {
      return this.#refuse(message, receivedAt, `sensor ${message.id} does not belong to partition ${partition} of ${partitions}`);
    }
    const parsed = parseReport(message.payload);
    if (!parsed.ok) return this.#refuse(message, receivedAt, parsed.reason);
    this.#unknownFields += parsed.unknownFields;
    return parsed.report;
  }

  #refuse(message: StreamMessage, receivedAt: number, reason: string): null {
    const { sequence, subject, payload } = message;
    this.#deadLetters.push({ sequence, subject, receivedAt, reason, payload });
    return null;
  }

  #register(message: StreamMessage, receivedAt: number, life: number): Sensor | null {
    if (!this.rules.registrationOpen) return this.#refuse(message, receivedAt, "the sensor is not registered, and registration is closed");
    if (this.#registrations.size >= this.rules.registrationsLeft) {
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
    this.#registrations.set(sensor.id, sensor);
    return sensor;
  }

  #believe(sensor: Sensor, state: State): void {
    this.#believed.set(sensor.id, { sensor, state });
    this.#touched.set(sensor.id, state);
  }

  #addChange(draft: ChangeDraft, sensor: Sensor): number {
    const number = this.from.changeNumber + this.#changes.length + 1;
    this.#changes.push(numberChange(draft, sensor, this.rules.partition, number));
    return number;
  }
}

function reportKey(sensorId: string, reportId: string): string {
  return `${sensorId}\n${reportId}`;
}
