import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TICK_ID } from "../../src/domain/sensor";
import { type BatchRules, type DecidedBatch, decideBatch } from "../../src/ingest/decideBatch";
import { type BatchBefore, decideBehind } from "../../src/ingest/decideBehind";
import { createSensorMemory, SensorCache } from "../../src/ingest/sensorCache";
import type { StreamMessage } from "../../src/jetstream/ports";
import { openStore } from "../../src/store/open";
import type { AcquiredLease, BatchPart, PartOutcome, PartitionPosition, Store } from "../../src/store/store";

const encoder = new TextEncoder();
/** Fewer than a log has sensors: what was known of some is forgotten in the middle of a batch. */
const SENSORS_REMEMBERED = 2;

/** A message as a stream would hold it: what was published under which id, `ms` after the log's beginning. */
export interface Said {
  readonly ms: number;
  readonly id: string;
  readonly body: string;
}

export const LOG_BEGINS = Date.parse("2026-11-23T10:00:00.000Z");

export function tick(ms: number): Said {
  return { ms, id: TICK_ID, body: "" };
}

export function report(ms: number, id: string, body: string | Record<string, unknown>): Said {
  return { ms, id, body: typeof body === "string" ? body : JSON.stringify(body) };
}

/** Ticks every half second from `fromMs` to `toMs`, as the owner of a partition publishes them. */
export function ticks(fromMs: number, toMs: number): Said[] {
  const said: Said[] = [];
  for (let ms = fromMs; ms <= toMs; ms += 500) said.push(tick(ms));
  return said;
}

export function inOrder(...parts: (Said | Said[])[]): Said[] {
  return parts.flat().sort((a, b) => a.ms - b.ms);
}

function messageOf(said: Said, sequence: number): StreamMessage {
  const timeMs = LOG_BEGINS + said.ms;
  return {
    sequence,
    id: said.id,
    subject: `reports.1.0.${said.id}`,
    payload: encoder.encode(said.body),
    timeMs,
    timeNs: () => `${timeMs}000000`,
    pending: () => 0,
  };
}

export interface Way {
  /** What is in memory is forgotten between the batches. */
  readonly restart?: boolean;
  /** Each batch is decided, where it can be, while the one before is decided and not yet in. */
  readonly ahead?: boolean;
}

/** The owner of partition 0 of 1, working on a log by hand: what it decides goes into a real store. */
export class LogWorker implements AsyncDisposable {
  readonly #memory = createSensorMemory(SENSORS_REMEMBERED);
  #cache: SensorCache;
  #position: PartitionPosition;
  #registryVersion: number;
  #said = 0;
  #edited: BatchPart["states"] = [];
  /** How many batches were decided before the one before them was in. */
  ahead = 0;
  readonly rules: BatchRules = { partition: 0, partitions: 1, registrationOpen: true, registrationsLeft: 1000 };

  private constructor(
    readonly store: Store,
    private acquired: AcquiredLease,
    private readonly dir: string,
  ) {
    this.#cache = new SensorCache(store, this.#memory);
    this.#position = acquired.position;
    this.#registryVersion = acquired.registryVersion;
  }

  static async open(): Promise<LogWorker> {
    const dir = mkdtempSync(join(tmpdir(), "tocsin-log-"));
    const store = await openStore({ kind: "sqlite", file: join(dir, "log.db") });
    await store.fixPartitionCount(1, 1);
    return new LogWorker(store, await acquireFrom(store), dir);
  }

  /** Another owner takes over, who knows what the store knows. */
  async takeOver(): Promise<void> {
    this.acquired = await acquireFrom(this.store);
    this.#cache = new SensorCache(this.store, this.#memory);
    this.#edited = [];
    this.#position = this.acquired.position;
    this.#registryVersion = this.acquired.registryVersion;
  }

  /** Works on what is said in batches of the sizes given, the last one repeated. */
  async take(log: readonly Said[], sizes: readonly number[] = [log.length], { restart = false, ahead = false }: Way = {}): Promise<void> {
    const batches: StreamMessage[][] = [];
    for (let from = 0; from < log.length;) {
      const size = Math.max(1, sizes[Math.min(batches.length, sizes.length - 1)] ?? log.length);
      batches.push(log.slice(from, from + size).map((said) => messageOf(said, (this.#said += 1))));
      from += size;
    }
    let decided: DecidedBatch | null = null;
    for (const [index, batch] of batches.entries()) {
      decided = await this.#commit(batch, decided, ahead ? batches[index + 1] : undefined);
      if (restart) this.#cache = new SensorCache(this.store, this.#memory);
    }
  }

  /** What the next messages would come to; nothing of it is committed. */
  async decided(log: readonly Said[]) {
    const messages = log.map((said, index) => messageOf(said, this.#said + index + 1));
    const { rows, to } = await this.#decide(messages);
    return structuredClone({ ...rows, states: rows.states.map(({ sensorId, state }) => ({ sensorId, state })), to });
  }

  async changes(sensorId?: string) {
    const { items } = await this.store.listChanges({ sensorId, range: {}, order: "asc" }, { limit: 1000, cursor: null });
    return items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #decide(messages: StreamMessage[]) {
    return decideBatch(messages, this.#position, { rules: this.rules, store: this.store, cache: this.#cache });
  }

  /** Gives what the batch behind it comes to, if that was found out before this one was in. */
  async #commit(messages: StreamMessage[], found: DecidedBatch | null, behind?: StreamMessage[]): Promise<DecidedBatch | null> {
    for (let decided = found; ; decided = null) {
      const { rows, to, settle, unsettle } = (decided ??= await this.#decide(messages));
      const next = { ...to, generation: this.#position.generation, published: 0 };
      settle();
      const following = behind === undefined ? null : await this.#decideBehind(behind, { to: next, rows });
      const edited = this.#edited.filter(({ sensorId }) => !rows.states.some((state) => state.sensorId === sensorId));
      const written = { ...rows, states: [...rows.states, ...edited] };
      const part = { ...written, lease: this.acquired.lease, leaseTtlMs: 60_000, registryVersion: this.#registryVersion };
      const [outcome] = (await this.store.commitBatch([
        { ...part, from: this.#position, to: next, stream: "REPORTS_1_0", incidents: [] },
      ])) as [PartOutcome];
      if (outcome.kind === "registryMoved") {
        unsettle();
        const { registryVersion, states } = await this.#cache.refresh(0, this.#registryVersion);
        [this.#registryVersion, this.#edited] = [registryVersion, states];
        continue;
      }
      if (outcome.kind !== "committed") throw new Error(`not committed: ${outcome.kind}`);
      this.#position = next;
      this.#edited = [];
      if (following !== null) this.ahead += 1;
      return following;
    }
  }

  #decideBehind(messages: StreamMessage[], before: BatchBefore): Promise<DecidedBatch | null> {
    return decideBehind(messages, before, { rules: this.rules, store: this.store, cache: this.#cache });
  }
}

async function acquireFrom(store: Store): Promise<AcquiredLease> {
  const acquired = await store.acquireLease({ role: "ingest", partition: 0, owner: "test", ttlMs: 60_000, takeOver: true });
  if (acquired === null) throw new Error("the lease was taken over, and yet not given");
  return acquired;
}

/** A sensor with a heartbeat, as the API would register it. */
export async function registerWithHeartbeat(
  store: Store,
  id: string,
  heartbeat: { intervalSeconds: number; graceSeconds: number },
): Promise<void> {
  await store.createSensor({ id, partition: 0, name: id, labels: {}, metadata: {}, heartbeat });
}
