import { LRUCache } from "lru-cache";
import { checkAfterEdit } from "../domain/decide";
import type { Sensor } from "../domain/sensor";
import { currentState, type State } from "../domain/state";
import { catalogueOf, type StatusCatalogue } from "../domain/statusCatalogue";
import type { IngestStore, SensorAndState } from "../store/store";

/**
 * The most sensors whose registration and state a node keeps in memory, over all of its partitions: three quarters of a KiB each. What is
 * not there is loaded with the batch that needs it.
 */
const SENSORS_CACHED_MAX = 50_000;

/** A sensor as the owner believes it, moved in place by each commit; `sensor` null when nobody registered the id, or it was deleted. */
export interface KnownSensor {
  sensor: Sensor | null;
  /** In its present life; for an id that is not registered, where its next life begins. */
  state: State;
}

interface Remembered extends KnownSensor {
  /** Under which lease. What was known under an earlier one may be wrong by now. */
  readonly by: SensorCache;
}

/** What a node remembers of sensors: one for all of its partitions, so that few busy ones and many quiet ones cost the same. */
export type SensorMemory = LRUCache<string, Remembered>;

export function createSensorMemory(sensorsMax = SENSORS_CACHED_MAX): SensorMemory {
  return new LRUCache({ max: sensorsMax });
}

interface KnownCatalogue {
  readonly version: number;
  readonly severities: StatusCatalogue;
}

/**
 * What the owner of a partition knows of its sensors, and of the catalogue that their statuses are looked up in. It alone writes their
 * states, so what it wrote last is what holds; an edit of the registry or of the catalogue refuses what it decided without it.
 */
export class SensorCache {
  /** Null until the first batch: under a new lease it is loaded anew, for what was edited under an earlier one is not told again. */
  #catalogue: KnownCatalogue | null = null;

  constructor(
    private readonly store: Pick<IngestStore, "loadSensors" | "sensorsEditedAfter" | "loadSeverities">,
    private readonly memory: SensorMemory,
  ) {}

  async catalogue(): Promise<StatusCatalogue> {
    this.#catalogue ??= await this.#loadCatalogue();
    return this.#catalogue.severities;
  }

  /** Undefined for what must be loaded first. */
  get(id: string): KnownSensor | undefined {
    const known = this.memory.get(id);
    return known?.by === this ? known : undefined;
  }

  /** What is known of each of these ids that are not in memory, in one look at the store. In their order. */
  async load(ids: readonly string[]): Promise<KnownSensor[]> {
    const loaded = new Map<string, KnownSensor>();
    for (const row of await this.store.loadSensors(ids)) loaded.set(row.sensor.id, this.remember(row));
    return ids.map((id) => loaded.get(id) ?? this.get(id) ?? this.#keep(id, { sensor: null, state: currentState(null, 1) }));
  }

  /** What a row of the store says, unless memory is ahead of it. */
  remember(row: SensorAndState): KnownSensor {
    return this.get(row.sensor.id) ?? this.#keep(row.sensor.id, knownFrom(row, row.state));
  }

  /** Takes over what operators edited since `version`; gives the new version and the states whose next check moved by it. */
  async refresh(partition: number, version: number): Promise<{ registryVersion: number; states: { sensorId: string; state: State }[] }> {
    const { registryVersion, statusesVersion, sensors } = await this.store.sensorsEditedAfter(partition, version);
    if (this.#catalogue !== null && this.#catalogue.version < statusesVersion) this.#catalogue = await this.#loadCatalogue();
    const states: { sensorId: string; state: State }[] = [];
    for (const row of sensors) {
      const { sensor, state } = knownFrom(row, believed(row, this.get(row.sensor.id)?.state));
      const checkAt = sensor === null ? null : checkAfterEdit(sensor, state);
      const moved = state.checkAt !== checkAt;
      const known = { sensor, state: moved ? { ...state, checkAt } : state };
      if (moved && sensor !== null) states.push({ sensorId: sensor.id, state: known.state });
      this.#keep(row.sensor.id, known);
    }
    return { registryVersion, states };
  }

  /** Perhaps newer than the registry's version that is known: what is decided on it is refused then, and decided again. */
  async #loadCatalogue(): Promise<KnownCatalogue> {
    const { version, severities } = await this.store.loadSeverities();
    return { version, severities: catalogueOf(severities) };
  }

  #keep(id: string, { sensor, state }: KnownSensor): KnownSensor {
    const known: Remembered = { sensor, state, by: this };
    this.memory.set(id, known);
    return known;
  }
}

/** What memory says, which its owner moves first; but not the clock of a sensor that was deleted with its history. */
function believed({ state: written }: SensorAndState, known: State | undefined): State | null {
  if (known === undefined || written === null) return known ?? written;
  return written.lastReceivedAt === null && written.atMax === null ? { ...known, atMax: null } : known;
}

function knownFrom({ sensor, deleted }: SensorAndState, written: State | null): KnownSensor {
  if (deleted) return { sensor: null, state: currentState(written, sensor.life + 1) };
  return { sensor, state: currentState(written, sensor.life) };
}
