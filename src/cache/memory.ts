import { LRUCache } from "lru-cache";
import { currentState, type State } from "../domain/state";
import type { BatchPart, LogPlace, SensorAt, SensorReadStore, SensorRecord } from "../store/store";
import type { Events } from "../telemetry/events";
import { isBehind, placeText } from "./order";
import type { SensorCache } from "./ports";
import { keepChecking, sampleOf } from "./reconcile";

/** Sensors that are kept ready, and the memory that they may take; those that were not asked for longest make room. */
const SENSOR_CACHE_MAX = 50_000;
const SENSOR_CACHE_BYTES_MAX = 64 * 1024 * 1024;
/** A sensor without labels and metadata takes about so much, ready to be sent. */
const ENTRY_BYTES = 1500;

export interface MemoryOptions {
  readonly store: SensorReadStore;
  readonly events: Pick<Events, "cacheRead" | "cacheDrifted" | "cacheHolds" | "failed">;
  readonly entriesMax?: number;
  readonly bytesMax?: number;
}

interface Entry {
  readonly sensor: SensorRecord["sensor"];
  written: State | null;
  place: LogPlace;
  /** Made when it is asked for. */
  record: SensorRecord | null;
  readonly bytes: number;
}

/** A sensor that is being read: what was read is not kept if anything was written of it meanwhile. */
interface Reading {
  readers: number;
  writes: number;
}

/**
 * The cache of a process that alone writes its database: it hears of each write at once, so what it holds is exact for as long as it holds
 * it. It keeps no sensor that is not there.
 */
export class MemoryCache implements SensorCache {
  readonly #known: LRUCache<string, Entry>;
  readonly #reading = new Map<string, Reading>();
  readonly #checking: { stop(): Promise<void> };

  constructor(private readonly options: MemoryOptions) {
    const { entriesMax = SENSOR_CACHE_MAX, bytesMax = SENSOR_CACHE_BYTES_MAX, events } = options;
    this.#known = new LRUCache({ max: entriesMax, maxSize: bytesMax, sizeCalculation: ({ bytes }) => bytes });
    this.#checking = keepChecking(() => this.check(), events);
  }

  readonly read = (id: string): SensorRecord | null | Promise<SensorRecord | null> => {
    const entry = this.#known.get(id);
    if (entry === undefined) return this.#load(id);
    this.options.events.cacheRead("hit");
    return recordOf(entry);
  };

  edited(ids: readonly string[]): void {
    for (const id of ids) this.#forget(id);
  }

  heardOfEdits(): void {
    // There are no other nodes.
  }

  share(): void {
    // Nor anybody to tell.
  }

  doubtful(ids: readonly string[]): void {
    this.edited(ids);
  }

  committed({ to: place, registrations, states }: BatchPart): void {
    for (const { id } of registrations) this.#forget(id);
    for (const { sensorId, state } of states) {
      this.#wrote(sensorId);
      const entry = this.#known.peek(sensorId);
      if (entry === undefined || isBehind(placeText(place), placeText(entry.place))) continue;
      entry.written = state;
      entry.place = place;
      entry.record = null;
    }
  }

  stop(): Promise<void> {
    return this.#checking.stop();
  }

  /** Compares a sample with the database; what differs is taken out and counted. */
  async check(): Promise<void> {
    this.options.events.cacheHolds(this.#known.size, this.#known.calculatedSize);
    const differing = await this.#differing(sampleOf(this.#known.keys()));
    if (differing.length === 0) return;
    // A write that was under way has been heard of by then.
    await Bun.sleep(0);
    for (const id of await this.#differing(differing)) {
      this.#forget(id);
      this.options.events.cacheDrifted(id);
    }
  }

  async #differing(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const held = ids.map((id) => this.#known.peek(id)).filter((entry) => entry !== undefined);
    const before = held.map((entry) => ({ entry, written: entry.written }));
    const { sensors } = await this.options.store.sensorsAt(held.map(({ sensor }) => sensor.id));
    const byId = new Map(sensors.map((each) => [each.sensor.id, each]));
    const still = before.filter(({ entry, written }) => entry.written === written && this.#known.peek(entry.sensor.id) === entry);
    return still
      .map(({ entry }) => entry)
      .filter((entry) => !isSame(entry, byId.get(entry.sensor.id)))
      .map(({ sensor }) => sensor.id);
  }

  async #load(id: string): Promise<SensorRecord | null> {
    this.options.events.cacheRead("miss");
    const reading = this.#reading.get(id) ?? { readers: 0, writes: 0 };
    this.#reading.set(id, reading);
    reading.readers += 1;
    const { writes } = reading;
    try {
      const [found] = (await this.options.store.sensorsAt([id])).sensors;
      if (found === undefined || found.deleted) return null;
      const entry = entryOf(found);
      if (reading.writes === writes) this.#known.set(id, entry);
      return recordOf(entry);
    } finally {
      reading.readers -= 1;
      if (reading.readers === 0) this.#reading.delete(id);
    }
  }

  #forget(id: string): void {
    this.#wrote(id);
    this.#known.delete(id);
  }

  #wrote(id: string): void {
    const reading = this.#reading.get(id);
    if (reading !== undefined) reading.writes += 1;
  }
}

function entryOf({ sensor, state, place }: SensorAt): Entry {
  const chars = JSON.stringify(sensor.labels).length + JSON.stringify(sensor.metadata).length;
  // As an object, and as the text that is sent.
  return { sensor, written: state, place, record: null, bytes: ENTRY_BYTES + 4 * chars };
}

function recordOf(entry: Entry): SensorRecord {
  const { sensor, written } = entry;
  return (entry.record ??= { sensor, state: currentState(written, sensor.life) });
}

function isSame({ sensor, written }: Entry, found: SensorAt | undefined): boolean {
  return found !== undefined && !found.deleted && Bun.deepEquals(sensor, found.sensor) && Bun.deepEquals(written, found.state);
}
