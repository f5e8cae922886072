import { LRUCache } from "lru-cache";
import { checkAfterEdit } from "../domain/decide";
import type { Sensor } from "../domain/sensor";
import { currentState, type State } from "../domain/state";
import type { IngestStore, SensorAndState } from "../store/store";

/** The most sensors whose registration and state the owner of a partition keeps in memory. */
const SENSORS_CACHED_MAX = 250_000;

/** A sensor as the owner believes it, moved in place by each commit; `sensor` null when nobody registered the id, or it was deleted. */
export interface KnownSensor {
  sensor: Sensor | null;
  /** In its present life; for an id that is not registered, where its next life begins. */
  state: State;
}

/** What the owner of a partition knows of its sensors. It alone writes their states, so what it wrote last is what holds. */
export class SensorCache {
  readonly #known = new LRUCache<string, KnownSensor>({ max: SENSORS_CACHED_MAX });

  constructor(private readonly store: Pick<IngestStore, "loadSensors" | "sensorsEditedAfter">) {}

  /** Undefined for what must be loaded first. */
  get(id: string): KnownSensor | undefined {
    return this.#known.get(id);
  }

  /** What is known of each of these ids that are not in memory, in one look at the store. In their order. */
  async load(ids: readonly string[]): Promise<KnownSensor[]> {
    for (const row of await this.store.loadSensors(ids)) this.remember(row);
    return ids.map((id) => {
      const loaded = this.#known.get(id);
      if (loaded !== undefined) return loaded;
      const known = { sensor: null, state: currentState(null, 1) };
      this.#known.set(id, known);
      return known;
    });
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
