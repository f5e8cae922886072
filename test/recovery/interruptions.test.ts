import { expect, test } from "bun:test";
import { until } from "../until";
import { type Load, underLoad } from "./underLoad";

const TEST_MS = 240_000;
/** Acknowledgements in which work is seen to go on. */
const STEADY = 500;
const LOAD: Load = {
  fleet: { seed: 1, natsSensors: 60, httpSensors: 20, changeShare: 0.1, pauseMs: 60 },
  webhooks: [{ filter: { initial: true }, answer: () => ({ status: 204, delayMs: 0 }) }],
};

test(
  "a broker that is killed under load comes back by itself, work goes on, and nothing is lost",
  async () => {
    const evidence = await underLoad(LOAD, async ({ tocsin, fleet, receivers }) => {
      for (let kill = 0; kill < 3; kill += 1) {
        const acknowledged = fleet.acknowledged.length;
        await until(() => fleet.acknowledged.length > acknowledged + STEADY, "the load is not taken");
        await until(() => tocsin.killBroker() !== null, "there is no broker to kill");
        const [sent, arrived] = [fleet.acknowledged.length, receivers[0]?.arrivals().length ?? 0];
        await until(() => fleet.acknowledged.length > sent + STEADY, "nothing is acknowledged after the broker's end");
        await until(() => (receivers[0]?.arrivals().length ?? 0) > arrived, "nothing is delivered after the broker's end");
      }
    });
    expect(evidence.acknowledged.length).toBeGreaterThan(6 * STEADY);
    expect(evidence.changes.length).toBeGreaterThan(STEADY / 2);
  },
  TEST_MS,
);

test(
  "SIGTERM under load ends it in order within five seconds, and everything that was acknowledged is there after the next start",
  async () => {
    const evidence = await underLoad(LOAD, async ({ tocsin, fleet }) => {
      await until(() => fleet.acknowledged.length > STEADY, "the load is not taken");
      // An end that takes longer is forced, with exit code 1.
      expect((await tocsin.stop()).exitCode).toBe(0);
      expect(tocsin.killBroker()).toBeNull();
      const acknowledged = fleet.acknowledged.length;
      await tocsin.start();
      await until(() => fleet.acknowledged.length > acknowledged + STEADY, "nothing is acknowledged after the next start");
    });
    expect(evidence.acknowledged.length).toBeGreaterThan(2 * STEADY);
    expect(evidence.changes.length).toBeGreaterThan(STEADY / 10);
  },
  TEST_MS,
);
