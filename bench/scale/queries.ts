/** The queries that the API and the workers make most, on a short log and on a long one, in turns. */
import type { DeliveryStore, HistoryStore, IngestStore, SensorStore, Store } from "../../src/store/store";
import { quantile } from "../figures";
import { PARTITIONS, WEBHOOKS } from "./fill";

const TURNS = 4;
const WARM_UP_CALLS = 25;
const PAGE = { limit: 50, cursor: null };
const AT_ONCE = 100;
const TEXT_WITHIN = 100;
const DAY_MS = 24 * 3600 * 1000;

/** One call; `turn` makes each of them ask for something else. */
type Query = (store: Store, turn: number) => Promise<unknown>;

export interface QueryTimes {
  readonly name: string;
  readonly shortP99Ms: number;
  readonly longP99Ms: number;
  readonly shortP50Ms: number;
  readonly longP50Ms: number;
}

/** `sensors`: so many stand in both logs, with as many rows each. */
function queriesOf(sensors: number): Readonly<Record<string, Query>> {
  const some = (turn: number) => `sensor-${(turn * 7919) % sensors}`;
  const many = (turn: number) => Array.from({ length: AT_ONCE }, (_, index) => some(turn * AT_ONCE + index));
  const list =
    (query: Parameters<SensorStore["listSensors"]>[0]): Query =>
    (store) =>
      store.listSensors(query, PAGE);
  const changes = (store: HistoryStore, cursor: string | null) => store.listChanges({ range: {}, order: "asc" }, { ...PAGE, cursor });
  const deliveries =
    (query: (turn: number) => Parameters<DeliveryStore["listDeliveries"]>[0]): Query =>
    (store, turn) =>
      store.listDeliveries(query(turn), PAGE);
  const known = (store: IngestStore, turn: number) =>
    store.knownReports(
      many(turn).map((sensorId, index) => ({ sensorId, reportId: `m-${turn + index}` })),
      Date.now() - 2 * DAY_MS,
    );
  const walks = new Map<Store, string | null>();
  return {
    getSensor: (store, turn) => store.getSensor(some(turn)),
    listSensors: list({}),
    listSensorsByStatus: list({ status: "overheated" }),
    listSensorsBySeverity: list({ severity: "critical" }),
    listSensorsByAvailability: list({ availability: "offline" }),
    listSensorsByLabel: list({ labels: { site: "north" } }),
    // As many are looked at on both sides, until the first one is found: the registry is the same.
    listSensorsByText: (store, turn) => store.listSensors({ q: `sensor-1${turn % TEXT_WITHIN}` }, { ...PAGE, limit: 1 }),
    listReports: (store, turn) => store.listReports(some(turn), { range: {}, order: "desc" }, PAGE),
    listChangesOfSensor: (store, turn) => store.listChanges({ sensorId: some(turn), range: {}, order: "desc" }, PAGE),
    async listChanges(store) {
      const { nextCursor } = await changes(store, walks.get(store) ?? null);
      walks.set(store, nextCursor);
    },
    listDeliveriesByWebhook: deliveries((turn) => ({ webhookId: `wh-${turn % WEBHOOKS}` })),
    listDeliveriesBySensor: deliveries((turn) => ({ sensorId: some(turn) })),
    listDeliveriesByState: deliveries(() => ({ states: ["pending"] })),
    listDeadLetters: (store) => store.listDeadLetters(PAGE),
    nextDue: (store, turn) => store.nextDue(turn % PARTITIONS),
    dueHeads: (store, turn) => store.dueHeads(turn % PARTITIONS, `wh-${turn % WEBHOOKS}`, Date.now(), AT_ONCE),
    loadSensors: (store, turn) => store.loadSensors(many(turn)),
    knownReports: known,
  };
}

export async function timeQueries(
  stores: { readonly short: Store; readonly long: Store },
  { sensors, calls }: { readonly sensors: number; readonly calls: number },
): Promise<QueryTimes[]> {
  const times: QueryTimes[] = [];
  for (const [name, query] of Object.entries(queriesOf(sensors))) {
    const [short, long]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < TURNS; turn += 1) {
      short.push(...(await timed(stores.short, query, { from: turn * calls, calls: Math.ceil(calls / TURNS) })));
      long.push(...(await timed(stores.long, query, { from: turn * calls, calls: Math.ceil(calls / TURNS) })));
    }
    console.error(`  ${name}`);
    for (const all of [short, long]) all.sort((a, b) => a - b);
    times.push({
      name,
      shortP99Ms: quantile(short, 0.99),
      longP99Ms: quantile(long, 0.99),
      shortP50Ms: quantile(short, 0.5),
      longP50Ms: quantile(long, 0.5),
    });
  }
  return times;
}

async function timed(store: Store, query: Query, { from, calls }: { from: number; calls: number }): Promise<number[]> {
  for (let call = 0; call < WARM_UP_CALLS; call += 1) await query(store, from + call);
  const times: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const startedAt = performance.now();
    await query(store, from + WARM_UP_CALLS + call);
    times.push(performance.now() - startedAt);
  }
  return times;
}
