/** Who edits the catalogue of statuses and registers sensors by the hundred, while everything else goes on. */
import type { Severity } from "../src/domain/severity";
import type { CatalogueEdit } from "../test/ledger/evidence";
import type { Api } from "./receivers";

/** Statuses that the fleet reports, one built in and one not. */
const STATUSES = ["hot", "door.open"] as const;
const SEVERITIES: readonly Severity[] = ["ok", "warning", "critical"];
const PAUSE_MS = { min: 100, max: 1200 };
const SENSORS_AT_ONCE = 40;
const WRITTEN_MAX = 110;
/** Sensors of the fleet that nobody watches, for a set keeps the heartbeat that it names. */
const FIRST_UNWATCHED = 12;
export interface Operators {
  readonly edits: readonly CatalogueEdit[];
  /** Sets of sensors that were taken whole. */
  readonly sets: () => number;
  /** Rejects when something was refused that must not be. */
  stop(): Promise<void>;
}

export function startOperators(api: Api, random: () => number): Operators {
  const edits: CatalogueEdit[] = [];
  let sets = 0;
  let stopped = false;

  async function edit(): Promise<void> {
    const status = STATUSES[Math.floor(random() * STATUSES.length)] as string;
    const severity = random() < 0.25 ? null : (SEVERITIES[Math.floor(random() * SEVERITIES.length)] as Severity);
    const begunAt = Date.now();
    const put = { method: "PUT", body: JSON.stringify({ severity }) };
    const answer = await asked(`/v1/statuses/${status}`, severity === null ? { method: "DELETE" } : put);
    // Nothing that was set is there to be taken back.
    if (severity === null && (answer === 404 || answer === 409)) return;
    if (answer !== null && answer >= 400) throw new Error(`the catalogue's edit of ${status} was answered with ${answer}`);
    edits.push({ status, severity, begunAt, answeredAt: answer === null ? null : Date.now() });
  }

  async function register(): Promise<void> {
    const first = FIRST_UNWATCHED + Math.floor(random() * (WRITTEN_MAX - SENSORS_AT_ONCE));
    const items = Array.from({ length: SENSORS_AT_ONCE }, (_, index) => {
      const id = `nats-${first + index}`;
      return { id, name: `${id} ${Math.floor(random() * 3)}`, labels: { site: random() < 0.5 ? "north" : "south" } };
    });
    const answer = await asked("/v1/sensors", { method: "PUT", body: JSON.stringify(items) });
    if (answer !== null && answer >= 400) throw new Error(`a set of sensors was answered with ${answer}`);
    if (answer !== null) sets += 1;
  }

  /** Null where nobody knows whether it was done. */
  async function asked(path: string, init: RequestInit): Promise<number | null> {
    try {
      const response = await api(path, init);
      const text = await response.text();
      if (response.status === 429 || response.status >= 500 || text.includes('"stopped":{')) return null;
      return response.status;
    } catch {
      return null;
    }
  }

  const running = (async () => {
    while (!stopped) {
      await Bun.sleep(PAUSE_MS.min + random() * (PAUSE_MS.max - PAUSE_MS.min));
      await (random() < 0.7 ? edit() : register());
    }
  })();
  running.catch(() => {});
  return {
    edits,
    sets: () => sets,
    stop() {
      stopped = true;
      return running;
    },
  };
}
