import { LRUCache } from "lru-cache";
import { checkAfterEdit } from "../domain/decide";
import type { Sensor } from "../domain/sensor";
import { currentState, type State } from "../domain/state";
import type { IngestStore, SensorAndState } from "../store/store";

/** The most sensors whose registration and state the owner of a partition keeps in memory. */
const SENSORS_CACHED_MAX = 250_000;

/** A sensor as the owner believes it; `sensor` null when nobody registered the id, or it was deleted. */
export interface KnownSensor {
  readonly sensor: Sensor | null;
  /** In its present life; for an id that is not registered, where its next life begins. */
  readonly state: State;
}

/** What the owner of a partition knows of its sensors. It alone writes their states, so what it wrote last is what holds. */
export class SensorCache {
  readonly #known = new LRUCache<string, KnownSensor>({ max: SENSORS_CACHED_MAX });

  constructor(private readonly store: Pick<IngestStore, "loadSensors" | "sensorsEditedAfter">) {}

  get(id: string): KnownSensor | undefined {
    return this.#known.get(id);
  }

  set(id: string, known: KnownSensor): void {
    this.#known.set(id, known);
  }

  /** Gives what is known of each id, in one look at the store for those not in memory. */
  async load(ids: Iterable<string>): Promise<Map<string, KnownSensor>> {
    const found = new Map<string, KnownSensor>();
    const missing: string[] = [];
    for (const id of ids) {
      const known = this.#known.get(id);
      if (known === undefined) missing.push(id);
      else found.set(id, known);
    }
    if (missing.length === 0) return found;
    for (const row of await this.store.loadSensors(missing)) found.set(row.sensor.id, this.remember(row));
    for (const id of missing) {
      if (found.has(id)) continue;
      const known = { sensor: null, state: currentState(null, 1) };
      this.#known.set(id, known);
      found.set(id, known);
    }
    return found;
  }

  /** What a row of the store says, unless memory is ahead of it. */
  remember(row: SensorAndState): KnownSensor {
    const cached = this.#known.get(row.sensor.id);
    if (cached !== undefined) return cached;
    const known = knownFrom(row, row.state);
    this.#known.set(row.sensor.id, known);
    return known;
  }

  /** Takes over what operators edited since `version`; gives the new version and the states whose next check moved by it. */
  async refresh(partition: number, version: number): Promise<{ registryVersion: number; states: { sensorId: string; state: State }[] }> {
    const { registryVersion, sensors } = await this.store.sensorsEditedAfter(partition, version);
    const states: { sensorId: string; state: State }[] = [];
    for (const row of sensors) {
      const { sensor, state } = knownFrom(row, this.#known.get(row.sensor.id)?.state ?? row.state);
      const checkAt = sensor === null ? null : checkAfterEdit(sensor, state);
      const moved = state.checkAt !== checkAt;
      const known = { sensor, state: moved ? { ...state, checkAt } : state };
      if (moved && sensor !== null) states.push({ sensorId: sensor.id, state: known.state });
      this.#known.set(row.sensor.id, known);
    }
    return { registryVersion, states };
  }
}

function knownFrom({ sensor, deleted }: SensorAndState, written: State | null): KnownSensor {
  if (deleted) return { sensor: null, state: currentState(written, sensor.life + 1) };
  return { sensor, state: currentState(written, sensor.life) };
}
