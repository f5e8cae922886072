import { afterAll, expect, test } from "bun:test";
import { MemoryCache } from "../../src/cache/memory";
import { watchStore } from "../../src/cache/watchStore";
import type { SensorRecord, Store } from "../../src/store/store";
import { FIRST_PAGE } from "../store/conformance/samples";
import { onNewStore } from "../store/conformance/harness";
import { makeEveryCall } from "../store/everyCall";
import { sqliteHarness } from "../store/sqlite/harness";
import { watchedEvents } from "./stage";

const TEST_MS = 120_000;
/** The calls write hundreds of sensors alike; the first ten are those that they edit. */
const ONE_OF_MANY = /^sensor-\d\d+$/;

const harness = await sqliteHarness();
afterAll(() => harness[Symbol.dispose]());

/** Calls `after` behind every call of the store. */
function overheard(store: Store, after: (name: string) => Promise<void>): Store {
  const calls = Object.entries(store as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>);
  return Object.fromEntries(
    calls.map(([name, call]) => [
      name,
      async (...args: unknown[]) => {
        try {
          return await call(...args);
        } finally {
          await after(name);
        }
      },
    ]),
  ) as unknown as Store;
}

test(
  "no call of the store leaves anything in memory that the database does not say",
  () =>
    onNewStore(harness, async (store) => {
      const { events } = watchedEvents();
      const cache = new MemoryCache({ store, events });
      const known = new Set<string>(["nobody"]);
      let compared = 0;
      const compare = async (name: string) => {
        if (name === "close") return;
        const { items } = await store.listSensors({}, FIRST_PAGE);
        const truth = new Map<string, SensorRecord>(items.map((record) => [record.sensor.id, record]));
        for (const id of truth.keys()) if (!ONE_OF_MANY.test(id)) known.add(id);
        for (const id of known) {
          const held = cache.read(id);
          // What is not held is read, so that it is by the next call.
          if (held instanceof Promise) await held;
          else compared += 1;
          expect({ after: name, record: held instanceof Promise ? await held : held }).toEqual({
            after: name,
            record: truth.get(id) ?? null,
          });
        }
      };
      await makeEveryCall(overheard(watchStore(store, cache), compare));
      expect(compared).toBeGreaterThan(1000);
      await cache.stop();
    }),
  TEST_MS,
);
