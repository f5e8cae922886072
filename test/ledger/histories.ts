/** Correct histories as fast-check draws them: a small true Tocsin, by the domain's own decisions, and everything that is seen of it. */
import fc from "fast-check";
import { type Change, changeBody, changeData, numberChange } from "../../src/domain/change";
import { decide, judgeHeartbeat } from "../../src/domain/decide";
import { refusingClause } from "../../src/domain/filter";
import type { Report } from "../../src/domain/report";
import { heartbeatMs, partitionOf, type Sensor, TICK_ID } from "../../src/domain/sensor";
import { SEVERITIES, STATUS_CATALOGUE } from "../../src/domain/severity";
import { pendingState, type State } from "../../src/domain/state";
import { seededRandom } from "./random";
import { receiveAll, webhooksOf } from "./received";
import type { Acknowledgement, ChangeRow, Evidence, LogRow, OwedWebhook, PublishedChange, StreamedMessage } from "./evidence";

const BEGINS = Date.parse("2026-11-23T10:00:00.000Z");
const PARTITIONS = 2;
const DARK_AFTER_MS = 2000;
const NAMES = ["boiler-1", "boiler-2", "pump-3", "pump-4"];

export interface Step {
  readonly gapMs: number;
  /** Null is a tick in every partition. */
  readonly said: Said | null;
}

interface Said {
  readonly sensor: number;
  readonly status: string;
  readonly severity: Report["severity"];
  /** How far `at` lies behind; null without `at`. */
  readonly age: number | null;
  /** How many copies reach the stream before one is acknowledged. */
  readonly copies: number;
  readonly by: "puback" | "http" | null;
}

const said = fc.record({
  sensor: fc.integer({ min: 0, max: NAMES.length - 1 }),
  status: fc.constantFrom("ok", "hot", "overheated", "door.open"),
  severity: fc.option(fc.constantFrom(...SEVERITIES), { freq: 2 }),
  age: fc.option(fc.integer({ min: -2000, max: 6000 })),
  copies: fc.constantFrom(1, 1, 1, 2, 3),
  by: fc.constantFrom("puback", "http", null),
});
const spoken = fc.record({ gapMs: fc.integer({ min: 0, max: 700 }), said }).map((step): Step[] => [step]);
const silence = fc.integer({ min: 1, max: 16 }).map((count): Step[] => Array.from({ length: count }, () => ({ gapMs: 500, said: null })));
const dark = fc.integer({ min: DARK_AFTER_MS + 1, max: 12_000 }).map((gapMs): Step[] => [{ gapMs, said: null }]);

const parts = fc.oneof({ weight: 6, arbitrary: spoken }, { weight: 2, arbitrary: silence }, { weight: 1, arbitrary: dark });

export interface History {
  readonly steps: readonly (readonly Step[])[];
  /** Seeds which deliveries are refused at first, or come again. */
  readonly luck: number;
}

export const histories: fc.Arbitrary<History> = fc.record({ steps: fc.array(parts, { minLength: 12, maxLength: 60 }), luck: fc.nat() });

/** Everything that is seen of it. */
export function evidenceOf({ steps, luck }: History): Evidence {
  const world = new World();
  for (const step of steps.flat()) world.take(step);
  const random = seededRandom(luck);
  return world.evidence(() => Math.floor(random() * 100));
}

interface Partition {
  readonly log: StreamedMessage[];
  now: number;
  darkEndedAt: number;
  changes: Change[];
}

class World {
  #now = BEGINS;
  readonly #partitions: Partition[] = Array.from({ length: PARTITIONS }, () => ({ log: [], now: 0, darkEndedAt: 0, changes: [] }));
  readonly #states = new Map<string, State>();
  readonly #rows: LogRow[] = [];
  readonly #acknowledged: Acknowledgement[] = [];
  readonly #sensors = NAMES.map((name, index): Sensor => {
    const heartbeat = index % 2 === 0 ? { intervalSeconds: 4, graceSeconds: 1 } : null;
    const labels: Record<string, string> = index < 2 ? { site: "north" } : {};
    return { id: name, name, labels, metadata: {}, heartbeat, version: 1, life: 1, createdAt: BEGINS, updatedAt: BEGINS };
  });

  take({ gapMs, said }: Step): void {
    this.#now += gapMs;
    if (said !== null) this.#hear(said);
    else for (const partition of this.#partitions.keys()) this.#tick(partition);
  }

  evidence(luck: () => number): Evidence {
    const changes = this.#partitions.flatMap((partition) => partition.changes);
    const webhooks = webhooksOf(this.#partitions[0]?.changes.length ?? 0);
    const received = receiveAll(webhooks, (webhook) => changes.filter((change) => owed(webhook, change)), luck);
    return {
      acknowledged: this.#acknowledged,
      messages: this.#partitions.flatMap(({ log }) => log),
      partitions: this.#partitions.map(({ log, changes: { length } }, partition) => ({
        partition,
        generation: 1,
        cursor: log.length,
        planned: length,
      })),
      log: this.#rows,
      deadLetters: [],
      sensors: this.#sensors.map(({ id, heartbeat }) => {
        const { status, severity, availability, revision } = this.#states.get(id) ?? pendingState(1);
        return { id, heartbeatMs: heartbeat === null ? null : heartbeatMs(heartbeat), state: { status, severity, availability, revision } };
      }),
      changes: changes.map(changeRow),
      published: this.#partitions.flatMap((partition) => partition.changes.map(publish)),
      publishedSince: 0,
      ...received,
    };
  }

  #append(partition: number, id: string): { sequence: number; receivedAt: number } {
    const stream = this.#partitions[partition] as Partition;
    if (this.#now - stream.now > DARK_AFTER_MS) stream.darkEndedAt = this.#now;
    stream.now = this.#now;
    stream.log.push({ partition, sequence: stream.log.length + 1, id, timeMs: this.#now });
    return { sequence: stream.log.length, receivedAt: this.#now };
  }

  #hear({ sensor: index, status, severity, age, copies, by }: Said): void {
    const sensor = this.#sensors[index] as Sensor;
    const partition = partitionOf(sensor.id, PARTITIONS);
    const at = age === null ? null : this.#now - age;
    const report: Report = { status, severity, value: null, message: null, at, id: `m-${this.#rows.length}`, attributes: null };
    for (let copy = 1; copy <= copies; copy += 1) {
      const { sequence, receivedAt } = this.#append(partition, sensor.id);
      const { state, disposition, change } = decide(
        sensor,
        this.#stateOf(sensor),
        { report, receivedAt },
        { duplicate: copy > 1, catalogue: STATUS_CATALOGUE },
      );
      this.#states.set(sensor.id, state);
      const changeNumber =
        change === null ? null : this.#addChange(partition, numberChange(change, sensor, partition, this.#nextNumber(partition)));
      this.#rows.push({
        partition,
        generation: 1,
        sequence,
        sensorId: sensor.id,
        reportId: report.id,
        status,
        severity,
        at,
        receivedAt,
        recordedAt: receivedAt,
        disposition,
        changeNumber,
      });
      if (copy === copies && by !== null)
        this.#acknowledged.push({ sensorId: sensor.id, reportId: report.id as string, by, at: receivedAt, partition, sequence });
      this.#now += 1;
    }
  }

  #tick(partition: number): void {
    const { receivedAt: watermark } = this.#append(partition, TICK_ID);
    const { darkEndedAt } = this.#partitions[partition] as Partition;
    for (const sensor of this.#sensors.filter(({ id }) => partitionOf(id, PARTITIONS) === partition)) {
      const { state, change } = judgeHeartbeat(sensor, this.#stateOf(sensor), { watermark, darkEndedAt });
      this.#states.set(sensor.id, state);
      if (change !== null) this.#addChange(partition, numberChange(change, sensor, partition, this.#nextNumber(partition)));
    }
  }

  #stateOf({ id }: Sensor): State {
    return this.#states.get(id) ?? pendingState(1);
  }

  #nextNumber(partition: number): number {
    return (this.#partitions[partition] as Partition).changes.length + 1;
  }

  #addChange(partition: number, change: Change): number {
    (this.#partitions[partition] as Partition).changes.push(change);
    return change.number;
  }
}

function owed({ filter, after, settings }: OwedWebhook, change: Change): boolean {
  return settings.events.includes("change") && change.number > (after[change.partition] ?? 0) && refusingClause(filter, change) === null;
}

function changeRow(change: Change): ChangeRow {
  const { partition, number, sensorId, revision, detectedAt } = change;
  return { partition, number, sensorId, revision, recordedAt: detectedAt, data: JSON.stringify(changeData(change)) };
}

function publish(change: Change): PublishedChange {
  const { partition, number, sensorId } = change;
  return {
    partition,
    sequence: number,
    subject: `changes.${PARTITIONS}.${partition}.${sensorId}`,
    msgId: `${partition}:${number}`,
    body: bodyOf(change),
  };
}

function bodyOf(change: Change): string {
  return changeBody(change.kind, change.occurredAt, JSON.stringify(changeData(change)));
}
