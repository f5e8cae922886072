import type { Change } from "../../../src/domain/change";
import type { AcquiredLease, BatchPart, PartitionPosition, PartOutcome, Store } from "../../../src/store/store";
import { changeOf, LOG_BEGINS, onlineState } from "./samples";

const TTL_MS = 60_000;
type Rows = Partial<Omit<BatchPart, "lease" | "leaseTtlMs" | "from" | "to">> & { readonly to?: Partial<PartitionPosition> };

/** The owner of a partition's ingest: it remembers where it stands and brings well-formed batches. */
export class Owner {
  readonly #revisions = new Map<string, number>();
  position: PartitionPosition;
  registryVersion: number;

  private constructor(
    private readonly store: Store,
    private readonly acquired: AcquiredLease,
  ) {
    this.position = acquired.position;
    this.registryVersion = acquired.registryVersion;
  }

  static async of(store: Store, partition = 0): Promise<Owner> {
    const acquired = await store.acquireLease({ role: "ingest", partition, owner: "owner", ttlMs: TTL_MS, takeOver: true });
    if (acquired === null) throw new Error("the lease was taken over, and yet not given");
    const owner = new Owner(store, acquired);
    // What was edited before is known to it.
    await owner.refresh();
    return owner;
  }

  get lease() {
    return this.acquired.lease;
  }

  /** A part that follows on where the owner stands; its cursor is the last sequence that it holds, or the next one. */
  part({ to, ...rows }: Rows = {}): BatchPart {
    const { cursor: before, changeNumber } = this.position;
    const sequences = [...(rows.reports ?? []), ...(rows.deadLetters ?? [])].map(({ sequence }) => sequence);
    const cursor = to?.cursor ?? (sequences.length === 0 ? before + 1 : Math.max(...sequences));
    return {
      lease: this.lease,
      leaseTtlMs: TTL_MS,
      registryVersion: this.registryVersion,
      stream: `REPORTS_1_${this.lease.partition}`,
      registrations: [],
      reports: [],
      states: [],
      changes: [],
      deadLetters: [],
      incidents: [],
      ...rows,
      from: this.position,
      to: {
        ...this.position,
        cursor,
        cursorTimeNs: `${LOG_BEGINS + cursor}000000`,
        receivedAt: LOG_BEGINS + cursor,
        changeNumber: changeNumber + (rows.changes?.length ?? 0),
        ...to,
      },
    };
  }

  /** Commits rows and goes on from there. Gives `recordedAt`. Throws when they are not taken. */
  async commit(rows: Rows = {}): Promise<number> {
    const part = this.part(rows);
    const [outcome] = (await this.store.commitBatch([part])) as [PartOutcome];
    if (outcome.kind !== "committed") throw new Error(`the batch was ${outcome.kind}`);
    this.position = part.to;
    return outcome.recordedAt;
  }

  /** Commits one change of each sensor named, numbered and with its next revision. */
  async change(sensorIds: readonly string[], edit: Partial<Change> = {}): Promise<Change[]> {
    const changes = sensorIds.map((sensorId, index) => this.next(sensorId, index, edit));
    await this.commit({ changes });
    return changes;
  }

  /** Publishes nothing, but says that all was. */
  async publishAll(): Promise<void> {
    const { changeNumber } = this.position;
    await this.store.markPublished(this.lease, changeNumber);
    this.position = { ...this.position, published: changeNumber };
  }

  /** The registry moved: decide again as of its present version. */
  async refresh(): Promise<void> {
    this.registryVersion = (await this.store.sensorsEditedAfter(this.lease.partition, 0)).registryVersion;
  }

  /** Registers sensors as an operator would, and writes a state of each, as if it had been heard. */
  async heard(sensors: Readonly<Record<string, Parameters<typeof onlineState>[0]>>): Promise<void> {
    await this.refresh();
    await this.commit({ states: Object.entries(sensors).map(([sensorId, edit]) => ({ sensorId, state: onlineState(edit) })) });
  }

  private next(sensorId: string, index: number, edit: Partial<Change>): Change {
    const revision = (this.#revisions.get(sensorId) ?? 0) + 1;
    this.#revisions.set(sensorId, revision);
    return changeOf(this.position.changeNumber + index + 1, sensorId, { partition: this.lease.partition, revision, ...edit });
  }
}
