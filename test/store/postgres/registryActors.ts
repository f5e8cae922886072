/** Who registers, edits, deletes and erases sensors, and who takes in what they say, all at the same time on one database. */
import { createSensorMemory, SensorCache } from "../../../src/ingest/sensorCache";
import { decideBatch } from "../../../src/ingest/decideBatch";
import { partitionOf } from "../../../src/domain/sensor";
import type { Severity } from "../../../src/domain/severity";
import type { StreamMessage } from "../../../src/jetstream/ports";
import type { AcquiredLease, BatchPart, SensorDraft, Store } from "../../../src/store/store";
import { draftOf, LOG_BEGINS } from "../conformance/samples";
import { delivered, type Planner, refused } from "../conformance/planner";
import { pick, type Random, type Span, tick } from "./raceActors";

export const PARTITIONS = [0, 1] as const;
export const SENSORS = Array.from({ length: 12 }, (_, index) => `s${index}`);
/** The one status whose severity is edited. */
export const EDITED = "door.open";
const STATUSES = ["ok", EDITED];
const SEVERITIES: readonly Severity[] = ["ok", "warning", "critical"];
const TTL_MS = 60_000;
const REPORTS_MAX = 6;
const UPSERTS_MAX = 8;
const ROWS_ERASED = 3;
const RULES = { partitions: PARTITIONS.length, registrationOpen: true, registrationsLeft: 1000 };

/** A batch that went in, and what its changes were told of the edited status. */
export interface Taken extends Span {
  readonly severities: readonly Severity[];
  readonly registrations: number;
}

/** The owner of a partition, with the real decisions; another node takes over from it now and then. */
export class Taker {
  readonly taken: Taken[] = [];
  refusals = 0;
  #position: BatchPart["from"];
  #registryVersion: number;
  readonly #cache: SensorCache;

  private constructor(
    private readonly store: Store,
    private readonly acquired: AcquiredLease,
  ) {
    this.#position = acquired.position;
    this.#registryVersion = acquired.registryVersion;
    this.#cache = new SensorCache(store, createSensorMemory());
  }

  static async of(store: Store, partition: number): Promise<Taker> {
    const owner = `owner ${tick()}`;
    const acquired = await store.acquireLease({ role: "ingest", partition, owner, ttlMs: TTL_MS, takeOver: true });
    if (acquired === null) throw new Error("the lease was taken over, and yet not given");
    return new Taker(store, acquired);
  }

  get lease() {
    return this.acquired.lease;
  }

  get changes(): number {
    return this.#position.changeNumber;
  }

  /** Takes a batch in, as often as it must be decided again. False when another one owns the partition. */
  async turn(random: Random): Promise<boolean> {
    const messages = this.#messages(random);
    const { store } = this;
    for (;;) {
      const rules = { ...RULES, partition: this.lease.partition };
      const decided = await decideBatch(messages, this.#position, { rules, store, cache: this.#cache });
      const { generation, changeNumber: published } = this.#position;
      const part: BatchPart = {
        ...decided.rows,
        lease: this.lease,
        leaseTtlMs: TTL_MS,
        registryVersion: this.#registryVersion,
        from: this.#position,
        to: { ...decided.to, generation, published },
        stream: `REPORTS_2_${this.lease.partition}`,
        incidents: [],
      };
      const begun = tick();
      const [outcome] = await store.commitBatch([part]);
      if (outcome?.kind === "committed") {
        decided.settle();
        this.#position = part.to;
        const severities = part.changes.filter(({ to }) => to.status === EDITED).map(({ to }) => to.severity as Severity);
        this.taken.push({ begun, ended: tick(), severities, registrations: part.registrations.length });
        return true;
      }
      if (outcome?.kind === "fenced") return false;
      if (outcome?.kind !== "registryMoved") throw new Error(`the batch was ${outcome?.kind}`);
      this.refusals += 1;
      this.#registryVersion = (await this.#cache.refresh(this.lease.partition, this.#registryVersion)).registryVersion;
    }
  }

  #messages(random: Random): StreamMessage[] {
    const ours = SENSORS.filter((id) => partitionOf(id, PARTITIONS.length) === this.lease.partition);
    return Array.from({ length: 1 + Math.floor(random() * REPORTS_MAX) }, (_, index) => {
      const sequence = this.#position.cursor + index + 1;
      const id = pick(random, ours) as string;
      const payload = new TextEncoder().encode(pick(random, STATUSES));
      const timeMs = LOG_BEGINS + sequence;
      const subject = `reports.2.${this.lease.partition}.${id}`;
      return { sequence, id, subject, payload, timeMs, timeNs: () => `${timeMs}000000`, pending: () => 0 };
    });
  }
}

/** An answer that a sensor was written. */
interface Written extends Span {
  readonly id: string;
  readonly life: number;
  readonly version: number;
  readonly created: boolean;
}

/** Writes sensors by every call that there is. */
export class Registrar {
  readonly written: Written[] = [];
  erased = 0;

  constructor(private readonly store: Store) {}

  async turn(random: Random): Promise<void> {
    const { store } = this;
    const id = pick(random, SENSORS) as string;
    const draft = this.#draft(random, id);
    const begun = tick();
    const wrote = ({ sensor }: { sensor: { id: string; life: number; version: number } }, created: boolean) =>
      this.written.push({ begun, ended: tick(), id: sensor.id, life: sensor.life, version: sensor.version, created });
    const calls = [
      async () => wrote(await store.createSensor(draft), true),
      async () => wrote(await store.updateSensor({ ...draft, name: `${id} at ${begun}` }, null), false),
      async () => {
        const expected = pick(random, ["absent", "present", null, 1] as const) ?? null;
        const { record, created, unchanged } = await store.putSensor(draft, { expected, reach: null });
        if (!unchanged) wrote(record, created);
      },
      async () => {
        const drafts = Array.from({ length: 1 + Math.floor(random() * UPSERTS_MAX) }, () =>
          this.#draft(random, pick(random, SENSORS) as string),
        );
        for (const each of await store.upsertSensors(drafts, null)) {
          if (each.kind === "created" || each.kind === "replaced") wrote(each, each.kind === "created");
        }
      },
      async () => {
        await store.deleteSensor(id, null, { history: random() < 0.7 ? "delete" : "keep" });
        this.erased += 1;
      },
    ];
    await (pick(random, calls) as () => Promise<unknown>)();
  }

  #draft(random: Random, id: string): SensorDraft {
    const site = pick(random, ["north", "south", undefined]);
    const labels = { ...(site === undefined ? {} : { site }), ...(random() < 0.5 ? {} : { floor: String(Math.floor(random() * 3)) }) };
    return draftOf(id, { partition: partitionOf(id, PARTITIONS.length), name: `${id} ${Math.floor(random() * 3)}`, labels });
  }
}

/** Edits the catalogue; remembers what it was when. */
export class Cataloguer {
  readonly edits: (Span & { readonly version: number; readonly severity: Severity })[] = [];

  async turn(store: Store, random: Random): Promise<void> {
    const severity = pick(random, SEVERITIES) as Severity;
    const begun = tick();
    const { record } = await store.putStatus({ status: EDITED, severity, description: `${begun}` }, null);
    this.edits.push({ begun, ended: tick(), version: record.version, severity });
  }
}

/** Owes every change of a partition to one webhook, and sends it, whoever erases meanwhile. */
export class Sender {
  /** For each sensor the revisions that were delivered, in their order. */
  readonly sent = new Map<string, number[]>();

  constructor(
    private readonly store: Store,
    private readonly planner: Planner,
    private readonly webhookId: string,
  ) {}

  get planned(): number {
    return this.planner.planned;
  }

  async plan(): Promise<void> {
    const changes = await this.store.changesAfter(this.planner.lease.partition, this.planned, 20);
    changes.forEach(({ number }, index) => {
      if (number !== this.planned + index + 1) throw new Error(`change ${number} comes after ${this.planned + index}`);
    });
    if (changes.length === 0) return Bun.sleep(1);
    const parsed = changes.map(({ data, ...change }) => ({ ...change, ...(JSON.parse(data) as { revision: number }) }));
    await this.planner.owe(parsed as never, [this.webhookId]);
  }

  /** Gives how many it tried. */
  async send(random: Random): Promise<number> {
    const heads = await this.store.dueHeads(this.planner.lease.partition, this.webhookId, Date.now(), 10);
    for (const head of heads) {
      const change = await this.store.loggedChange(head.partition, head.number);
      if (change === null) throw new Error(`change ${head.partition}/${head.number} is owed, and gone`);
      const { revision } = JSON.parse(change.data) as { revision: number };
      const ok = random() < 0.7;
      if (ok) this.sent.set(head.sensorId, [...(this.sent.get(head.sensorId) ?? []), revision]);
      await this.planner.settle(ok ? delivered(head) : refused(head, Date.now()));
    }
    return heads.length;
  }
}

/** Follows all changes. */
export class Follower {
  #from: readonly number[] | null = null;

  async turn(store: Store): Promise<void> {
    const { changes, start, missed, foreign } = await store.readChanges(
      { from: this.#from, range: {}, order: "asc" },
      { rows: 7, bytes: 100_000 },
    );
    if (missed > 0 || foreign) throw new Error(`${missed} changes are missed, foreign: ${foreign}`);
    const reached = [...start];
    for (const { partition, number } of changes) {
      if (number <= (reached[partition] ?? 0)) throw new Error(`change ${partition}/${number} comes again`);
      reached[partition] = number;
    }
    this.#from = reached;
  }
}

/** Takes out slices of what was deleted, as each node does. */
export class Eraser {
  #after = "";
  rows = 0;

  /** False when there is nothing. */
  async turn(store: Store): Promise<boolean> {
    const slice = await store.eraseHistory(this.#after, ROWS_ERASED);
    const any = slice !== null || this.#after !== "";
    this.#after = slice === null ? "" : slice.sensorId;
    for (const count of Object.values(slice?.rows ?? {})) this.rows += count;
    if (slice === null) await Bun.sleep(1);
    return any;
  }
}
