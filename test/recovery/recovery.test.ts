import { expect, test } from "bun:test";
import type { Acknowledgement } from "../ledger/evidence";
import { seededRandom } from "../ledger/random";
import { until } from "../until";
import { rage, type Strike } from "./storm";
import { underLoad } from "./underLoad";

const TOCSIN_KILLS = 10;
const BROKER_KILLS = 5;
const IN_FLIGHT_MIN = 100;
const TEST_MS = 300_000;
/** So many that some of them say something new, however few reports each of them sends. */
const WATCHED = ["nats-0", "nats-1", "nats-2", "nats-3", "http-0", "http-1"];
/** By the road, how many are to be acknowledged at least. */
const TAKEN = [
  { road: "puback", min: 5000 },
  { road: "http", min: 500 },
] as const;

function takenBy(acknowledged: readonly Acknowledgement[], road: Acknowledgement["by"]): number {
  return acknowledged.filter(({ by }) => by === road).length;
}

test(
  "ten kill -9 of the process and five of the broker, with hundreds of reports in flight, break no promise",
  async () => {
    const seed = Number(process.env["TOCSIN_SEED"] ?? Date.now() % 1_000_000);
    console.log(`TOCSIN_SEED=${seed}`);
    const random = seededRandom(seed);
    const webhooks = [
      { filter: { initial: true }, answer: () => ({ status: 204, delayMs: 0 }) },
      { filter: { minSeverity: "critical" as const }, answer: () => ({ status: 200, delayMs: random() * 60 }) },
      { filter: { labels: { site: "north" } }, answer: () => ({ status: random() < 0.2 ? 500 : 204, delayMs: random() * 10 }) },
    ];
    const fleet = { seed, natsSensors: 240, httpSensors: 40, mqttSensors: 5, changeShare: 0.03, pauseMs: 100 };
    let strikes: Strike[] = [];
    const { acknowledged, arrivals, log, changes, deliveries } = await underLoad({ fleet, webhooks, watched: WATCHED }, async (scene) => {
      strikes = await rage(scene, { tocsinKills: TOCSIN_KILLS, brokerKills: BROKER_KILLS, inFlightMin: IN_FLIGHT_MIN, random });
      await until(() => TAKEN.every(({ road, min }) => takenBy(scene.fleet.acknowledged, road) > min), "too few are taken", 120_000);
    });

    const inFlight = strikes.map((strike) => strike.inFlight);
    console.log(
      JSON.stringify({ acknowledged: acknowledged.length, rows: log.length, changes: changes.length, arrivals: arrivals.length, inFlight }),
    );
    expect(Object.groupBy(strikes, ({ target }) => target)).toMatchObject({
      tocsin: { length: TOCSIN_KILLS },
      broker: { length: BROKER_KILLS },
    });
    expect(Math.min(...inFlight)).toBeGreaterThanOrEqual(IN_FLIGHT_MIN);
    for (const { road, min } of TAKEN) expect(takenBy(acknowledged, road)).toBeGreaterThan(min);
    expect(log.filter(({ sensorId }) => sensorId.startsWith("mqtt-")).length).toBeGreaterThan(20);
    expect(log.filter(({ disposition }) => disposition === "duplicate").length).toBeGreaterThan(10);
    expect(changes.length).toBeGreaterThan(500);
    const owed = Object.values(Object.groupBy(deliveries, ({ webhookId }) => webhookId)).map((own) => own?.length ?? 0);
    expect(owed).toHaveLength(webhooks.length);
    expect(Math.min(...owed)).toBeGreaterThan(WATCHED.length);
    // Whoever fell silent at the end was called offline; the ledger knows whether anybody ever was without being silent.
    for (const id of WATCHED) expect(changes.findLast(({ sensorId }) => sensorId === id)?.data).toContain('"cause":"timeout"');
  },
  TEST_MS,
);
