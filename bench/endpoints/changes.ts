import { type Change, changeId } from "../../src/domain/change";
import { partitionOf } from "../../src/domain/sensor";
import type { AcquiredLease, BatchPart, PartitionPosition, Store } from "../../src/store/store";

const LEASE_TTL_MS = 600_000;
const WRITTEN_AT_ONCE_MAX = 5000;
/** With it a webhook's body is about as long as one that a report of 200 bytes makes. */
const MESSAGE = "m".repeat(100);

export interface Fleet {
  readonly partitions: number;
  readonly sensors: number;
  readonly endpoints: number;
}

/** Commits changes as the owner of all partitions' ingest. The sensors change in turns, and each is labelled with its endpoint. */
export class ChangeWriter {
  readonly #positions: PartitionPosition[];
  #written = 0;

  private constructor(
    private readonly store: Pick<Store, "commitBatch">,
    private readonly fleet: Fleet,
    private readonly leases: readonly AcquiredLease[],
  ) {
    this.#positions = leases.map(({ position }) => position);
  }

  static async open(store: Pick<Store, "acquireLease" | "commitBatch">, fleet: Fleet): Promise<ChangeWriter> {
    const leases: AcquiredLease[] = [];
    for (let partition = 0; partition < fleet.partitions; partition += 1) {
      const wish = { role: "ingest", partition, owner: "bench", ttlMs: LEASE_TTL_MS, takeOver: true } as const;
      leases.push((await store.acquireLease(wish)) as AcquiredLease);
    }
    return new ChangeWriter(store, fleet, leases);
  }

  /** The number of the last change, by partition. */
  get numbers(): readonly number[] {
    return this.#positions.map(({ changeNumber }) => changeNumber);
  }

  /** The next changes, committed. */
  async write(count: number): Promise<Change[]> {
    const written: Change[] = [];
    while (written.length < count) written.push(...(await this.#commit(Math.min(WRITTEN_AT_ONCE_MAX, count - written.length))));
    return written;
  }

  async #commit(count: number): Promise<Change[]> {
    const counts = [...this.numbers];
    const changes = Array.from({ length: count }, () => this.#next(counts));
    const parts = [...Map.groupBy(changes, ({ partition }) => partition)].map(([partition, own]) => this.#part(partition, own));
    const outcomes = await this.store.commitBatch(parts);
    outcomes.forEach(({ kind }, index) => {
      const { lease, to } = parts[index] as BatchPart;
      if (kind !== "committed") throw new Error(`changes of partition ${lease.partition} were not taken: ${kind}`);
      this.#positions[lease.partition] = to;
    });
    return changes;
  }

  #next(counts: number[]): Change {
    const { sensors, endpoints, partitions } = this.fleet;
    const index = this.#written % sensors;
    const revision = Math.floor(this.#written / sensors) + 1;
    this.#written += 1;
    const sensorId = `sensor-${index}`;
    const partition = partitionOf(sensorId, partitions);
    const number = (counts[partition] ?? 0) + 1;
    counts[partition] = number;
    const [ok, hot] = [{ status: "ok", severity: "ok", availability: "online" } as const, HOT];
    const now = Date.now();
    return {
      id: changeId(partition, number),
      partition,
      number,
      sensorId,
      revision,
      kind: "status",
      from: revision % 2 === 1 ? ok : hot,
      to: revision % 2 === 1 ? hot : ok,
      cause: "report",
      occurredAt: now,
      detectedAt: now,
      previousDurationMs: 60_000,
      report: { value: revision, message: MESSAGE, attributes: null },
      sensor: { name: sensorId, labels: { endpoint: String(index % endpoints) } },
    };
  }

  #part(partition: number, changes: readonly Change[]): BatchPart {
    const { lease, registryVersion } = this.leases[partition] as AcquiredLease;
    const from = this.#positions[partition] as PartitionPosition;
    const now = Date.now();
    const cursor = from.cursor + changes.length;
    return {
      lease,
      leaseTtlMs: LEASE_TTL_MS,
      registryVersion,
      stream: `REPORTS_${this.fleet.partitions}_${partition}`,
      from,
      to: { ...from, cursor, cursorTimeNs: `${now}000000`, receivedAt: now, changeNumber: from.changeNumber + changes.length },
      registrations: [],
      reports: [],
      states: [],
      changes,
      deadLetters: [],
      incidents: [],
    };
  }
}

const HOT = { status: "overheated", severity: "critical", availability: "online" } as const;
