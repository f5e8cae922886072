import type { ChangeData } from "../../src/domain/change";
import { type Books, type Entry, type Finding, groupBy, placeKey } from "./books";
import { severitiesOf } from "./catalogue";
import type { CatalogueEdit, Condition, LogRow, SensorRow } from "./evidence";
import { openStreamClock, type StreamClock } from "./streamClock";

/** Each sensor's changes are those that its reports and its silences make, in the order of the log, numbered 1, 2, 3 … */
export function* checkReplay(books: Books): Iterable<Finding> {
  yield* checkNumbers(books);
  const clocks = new Map(
    [...groupBy(books.evidence.messages, ({ partition }) => partition)].map(([partition, said]) => [partition, openStreamClock(said)]),
  );
  const sensors = new Map(books.evidence.sensors.map((sensor) => [sensor.id, sensor]));
  for (const sensorId of new Set([...books.rows.keys(), ...books.changes.keys(), ...sensors.keys()])) {
    const rows = books.rows.get(sensorId) ?? [];
    const changes = books.changes.get(sensorId) ?? [];
    const sensor = sensors.get(sensorId) ?? null;
    const partition = rows[0]?.partition ?? changes[0]?.partition;
    const clock = partition === undefined ? undefined : clocks.get(partition);
    const { byNumber } = books;
    const { edits = [] } = books.evidence;
    yield* new Replay({ sensorId, changes, sensor, clock: clock ?? openStreamClock([]), byNumber, edits }).run(rows);
  }
}

function* checkNumbers({ evidence, changes }: Books): Iterable<Finding> {
  for (const [partition, numbered] of groupBy(
    evidence.changes,
    (change) => change.partition,
    (one, other) => one.number - other.number,
  )) {
    for (const [index, { number, sensorId }] of numbered.entries()) {
      const expected = (numbered[index - 1]?.number ?? 0) + 1;
      if (number !== expected)
        yield { kind: "number.gap", sensorId, message: `partition ${partition} has change ${number} where ${expected} should stand` };
    }
  }
  for (const [sensorId, chain] of changes) {
    for (const [index, { revision, number }] of chain.entries()) {
      const expected = (chain[index - 1]?.revision ?? 0) + 1;
      if (revision !== expected)
        yield { kind: "revision.gap", sensorId, message: `change ${number} has revision ${revision} where ${expected} should stand` };
    }
  }
}

interface Subject {
  readonly sensorId: string;
  readonly changes: readonly Entry[];
  readonly sensor: SensorRow | null;
  readonly clock: StreamClock;
  readonly byNumber: ReadonlyMap<string, Entry>;
  readonly edits: readonly CatalogueEdit[];
}

type ExpectedChange = Pick<ChangeData, "kind" | "cause"> & {
  readonly from: Condition;
  readonly to: Condition;
  readonly occurredAt: number;
};

/** One sensor's life, told again from its rows. */
class Replay {
  #believed: Condition = { status: null, severity: null, availability: "pending" };
  #reportedAt: number | null = null;
  #heardAt: number | null = null;
  #newestAt = -Infinity;
  readonly #ids = new Set<string>();
  #next = 0;

  constructor(private readonly subject: Subject) {}

  *run(rows: readonly LogRow[]): Iterable<Finding> {
    for (const row of rows) {
      if (this.#isAfterNextTimeout(row)) yield* this.#takeTimeout();
      yield* this.#missedTimeout(row.sequence);
      yield* this.#takeRow(row);
    }
    yield* this.#takeTimeout();
    yield* this.#missedTimeout(Infinity);
    const { changes, sensorId } = this.subject;
    for (const left of changes.slice(this.#next))
      yield { kind: "change.unfounded", sensorId, message: `no report and no silence made change ${left.number}` };
    yield* this.#checkState();
  }

  *#takeRow(row: LogRow): Iterable<Finding> {
    const { sensorId } = this.subject;
    const { disposition, expected } = this.#hear(row);
    if (row.disposition !== disposition) {
      yield { kind: "disposition.wrong", sensorId, message: `sequence ${row.sequence} is ${row.disposition} and should be ${disposition}` };
    }
    if (expected === null) {
      if (row.changeNumber !== null)
        yield { kind: "change.unfounded", sensorId, message: `sequence ${row.sequence} made change ${row.changeNumber} of nothing` };
      return;
    }
    this.#believed = expected.to;
    const entry = this.#changeOf(row);
    const next = this.subject.changes[this.#next];
    if (entry === undefined || entry.sensorId !== sensorId) {
      yield { kind: "change.missing", sensorId, message: `sequence ${row.sequence} (${row.status}) should have made a change` };
    } else {
      if (next === entry) this.#next += 1;
      else
        yield {
          kind: "change.wrong",
          sensorId,
          message: `sequence ${row.sequence} made change ${entry.number}, but the next one by revision is ${next?.number}`,
        };
      yield* this.#compare(entry, expected);
    }
  }

  /** What a row should come to; moves the clocks. */
  #hear(row: LogRow): { disposition: LogRow["disposition"]; expected: ExpectedChange | null } {
    const repeated = row.reportId !== null && this.#ids.has(row.reportId);
    if (repeated && (row.at === null || row.at <= this.#newestAt)) return { disposition: "duplicate", expected: null };
    if (row.reportId !== null) this.#ids.add(row.reportId);
    this.#newestAt = Math.max(this.#newestAt, row.at ?? -Infinity);
    const effectiveAt = row.at === null || row.at > row.receivedAt ? row.receivedAt : row.at;
    const late = this.#reportedAt !== null && effectiveAt < this.#reportedAt;
    this.#heardAt = row.receivedAt;
    if (!late) this.#reportedAt = effectiveAt;
    const from = this.#believed;
    const said = late ? from : { status: row.status, severity: this.#severityOf(row) };
    const to: Condition = { status: said.status, severity: said.severity, availability: "online" };
    if (to.status !== from.status || to.severity !== from.severity) {
      return { disposition: "applied", expected: { kind: "status", cause: "report", from, to, occurredAt: effectiveAt } };
    }
    const disposition = late ? "late" : "unchanged";
    if (from.availability === "online") return { disposition, expected: null };
    return { disposition, expected: { kind: "availability", cause: "report", from, to, occurredAt: row.receivedAt } };
  }

  #changeOf({ partition, changeNumber }: LogRow): Entry | undefined {
    return changeNumber === null ? undefined : this.subject.byNumber.get(placeKey(partition, changeNumber));
  }

  /** Where the catalogue was edited about then, what was decided tells which one held, if it is one of those. */
  #severityOf(row: LogRow): string {
    if (row.severity !== null) return row.severity;
    const may: ReadonlySet<string> = severitiesOf(row, this.subject.edits);
    const { severity: told } = this.#changeOf(row)?.parsed.to ?? this.#believed;
    return told !== null && may.has(told) ? told : ([...may][0] as string);
  }

  /** A silence is noticed at a tick, which has its place in the log. */
  #isAfterNextTimeout(row: LogRow): boolean {
    const next = this.subject.changes[this.#next];
    if (next === undefined) return false;
    const detectedAt = Date.parse(next.parsed.detectedAt);
    const sequence = this.subject.clock.tickSequence(detectedAt);
    return sequence === null ? row.receivedAt >= detectedAt : row.sequence > sequence;
  }

  *#takeTimeout(): Iterable<Finding> {
    const { sensorId, changes, sensor, clock } = this.subject;
    const entry = changes[this.#next];
    if (entry === undefined || entry.parsed.cause !== "timeout") return;
    this.#next += 1;
    const occurredAt = Date.parse(entry.parsed.occurredAt);
    const detectedAt = Date.parse(entry.parsed.detectedAt);
    const deadline = this.#deadline(sensor, clock.darkEndedAt(detectedAt));
    const heard = this.#heardAt === null ? "never heard" : `heard at ${new Date(this.#heardAt).toISOString()}`;
    if (deadline === null || this.#believed.availability !== "online") {
      yield { kind: "offline.false", sensorId, message: `change ${entry.number}: the sensor has no heartbeat to miss` };
    } else if (occurredAt < deadline || detectedAt < occurredAt) {
      yield { kind: "offline.false", sensorId, message: `change ${entry.number} says offline since ${entry.parsed.occurredAt}; ${heard}` };
    }
    const from = this.#believed;
    const to = { ...from, availability: "offline" };
    yield* this.#compare(entry, { kind: "availability", cause: "timeout", from, to, occurredAt: deadline ?? occurredAt });
    this.#believed = to;
  }

  /** A tick at which the silence had lasted too long must have been noticed. */
  *#missedTimeout(beforeSequence: number): Iterable<Finding> {
    const { sensorId, sensor, clock } = this.subject;
    if (this.#believed.availability !== "online" || this.#heardAt === null || sensor?.heartbeatMs == null) return;
    const tick = clock.ticks(this.#heardAt + sensor.heartbeatMs, beforeSequence).find(({ timeMs }) => {
      const deadline = this.#deadline(sensor, clock.darkEndedAt(timeMs));
      return deadline !== null && deadline <= timeMs;
    });
    if (tick === undefined) return;
    yield {
      kind: "offline.missing",
      sensorId,
      message: `silent since ${new Date(this.#heardAt).toISOString()}, but not offline at tick ${tick.sequence}`,
    };
  }

  #deadline(sensor: SensorRow | null, darkEndedAt: number): number | null {
    if (sensor?.heartbeatMs == null || this.#heardAt === null) return null;
    return Math.max(this.#heardAt, darkEndedAt) + sensor.heartbeatMs;
  }

  *#compare({ number, parsed }: Entry, expected: ExpectedChange): Iterable<Finding> {
    const found: ExpectedChange = {
      kind: parsed.kind,
      cause: parsed.cause,
      from: parsed.from,
      to: parsed.to,
      occurredAt: Date.parse(parsed.occurredAt),
    };
    if (Bun.deepEquals(found, expected)) return;
    const { sensorId } = this.subject;
    yield {
      kind: "change.wrong",
      sensorId,
      message: `change ${number} says ${JSON.stringify(found)} and should say ${JSON.stringify(expected)}`,
    };
  }

  *#checkState(): Iterable<Finding> {
    const { sensorId, sensor, changes } = this.subject;
    if (sensor === null) return;
    const { status, severity, availability, revision } = sensor.state;
    const expected = { ...this.#believed, revision: changes.at(-1)?.revision ?? 0 };
    if (Bun.deepEquals({ status, severity, availability, revision }, expected)) return;
    yield {
      kind: "state.wrong",
      sensorId,
      message: `the state is ${JSON.stringify(sensor.state)} and should be ${JSON.stringify(expected)}`,
    };
  }
}
