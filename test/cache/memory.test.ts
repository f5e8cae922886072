import { afterAll, describe, expect, test } from "bun:test";
import { MemoryCache, type MemoryOptions } from "../../src/cache/memory";
import { watchStore } from "../../src/cache/watchStore";
import { Fault } from "../../src/domain/fault";
import type { Store } from "../../src/store/store";
import { onNewStore } from "../store/conformance/harness";
import { Owner } from "../store/conformance/owner";
import { draftOf, onlineState } from "../store/conformance/samples";
import { sqliteHarness } from "../store/sqlite/harness";
import { watchedEvents } from "./stage";

const harness = await sqliteHarness();
afterAll(() => harness[Symbol.dispose]());

/** A cache over a store whose reads and writes a test may hold up behind what they did. */
function openCache(real: Store, options: Partial<MemoryOptions> = {}) {
  const { events, counts } = watchedEvents();
  const held = { reads: Promise.resolve(), writes: Promise.resolve() };
  let reads = 0;
  const cache = new MemoryCache({
    store: {
      async sensorsAt(ids) {
        reads += 1;
        const told = await real.sensorsAt(ids);
        await held.reads;
        return told;
      },
    },
    events,
    ...options,
  });
  const late = {
    ...real,
    async commitBatch(parts: Parameters<Store["commitBatch"]>[0]) {
      const outcomes = await real.commitBatch(parts);
      await held.writes;
      return outcomes;
    },
  };
  return { cache, store: watchStore(late, cache), held, counts, reads: () => reads, [Symbol.asyncDispose]: () => cache.stop() };
}

describe("in memory, a sensor", () => {
  test("is read once, and then is at hand as the same object until something of it moves", () =>
    onNewStore(harness, async (real) => {
      await using opened = openCache(real);
      const { cache, store } = opened;
      await store.createSensor(draftOf("a"));
      expect(await cache.read("a")).toEqual(await real.getSensor("a"));
      const held = cache.read("a");
      expect(held).not.toBeInstanceOf(Promise);
      expect(cache.read("a")).toBe(held);
      expect(opened.reads()).toBe(1);
      const owner = await Owner.of(store);
      await owner.commit({ states: [{ sensorId: "a", state: onlineState({ revision: 4 }) }] });
      const moved = cache.read("a");
      expect(moved).not.toBeInstanceOf(Promise);
      expect(moved).toEqual(await real.getSensor("a"));
      expect(opened.reads()).toBe(1);
      await store.updateSensor(draftOf("a", { name: "A" }), null);
      expect(await cache.read("a")).toMatchObject({ sensor: { name: "A", version: 2 }, state: { revision: 4 } });
      await store.deleteSensor("a", null);
      expect(await cache.read("a")).toBeNull();
    }));

  test("that was read before an edit, or a commit, is not kept when the answer comes after it", () =>
    onNewStore(harness, async (real) => {
      await using opened = openCache(real);
      const { cache, store, held } = opened;
      await store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      for (const write of [
        () => store.updateSensor(draftOf("a", { name: "edited" }), null),
        () => owner.refresh().then(() => owner.commit({ states: [{ sensorId: "a", state: onlineState({ revision: 9 }) }] })),
        () => store.deleteSensor("a", null),
      ]) {
        cache.edited(["a"]);
        const gate = Promise.withResolvers<void>();
        held.reads = gate.promise;
        const before = await real.getSensor("a");
        const reading = cache.read("a");
        await write();
        gate.resolve();
        expect(await reading).toEqual(before);
        expect(await cache.read("a")).toEqual(await real.getSensor("a"));
      }
    }));

  test("that was read behind a commit of which the cache hears only then is not set back", () =>
    onNewStore(harness, async (real) => {
      await using opened = openCache(real);
      const { cache, store, held } = opened;
      await store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      const gate = Promise.withResolvers<void>();
      held.writes = gate.promise;
      const first = owner.part({ states: [{ sensorId: "a", state: onlineState({ revision: 1 }) }] });
      const heardLate = store.commitBatch([first]);
      owner.position = first.to;
      const second = owner.part({ states: [{ sensorId: "a", state: onlineState({ revision: 2 }) }] });
      await real.commitBatch([second]);
      expect(await cache.read("a")).toMatchObject({ state: { revision: 2 } });
      gate.resolve();
      await heardLate;
      expect(await cache.read("a")).toMatchObject({ state: { revision: 2 } });
    }));

  test("is read again when nobody knows whether a write of it is in", () =>
    onNewStore(harness, async (real) => {
      await using opened = openCache(real);
      const { cache } = opened;
      await real.createSensor(draftOf("a"));
      await cache.read("a");
      const lost = <Result>(act: () => Promise<Result>) =>
        act().then(() => Promise.reject(new Fault("unavailable", "the answer was lost")));
      const store = watchStore(
        {
          ...real,
          updateSensor: (draft, version) => lost(() => real.updateSensor(draft, version)),
          commitBatch: (parts) => lost(() => real.commitBatch(parts)),
        },
        cache,
      );
      await expect(store.updateSensor(draftOf("a", { name: "A" }), null)).rejects.toThrow("lost");
      expect(await cache.read("a")).toMatchObject({ sensor: { name: "A" } });
      const owner = await Owner.of(store);
      await expect(owner.commit({ states: [{ sensorId: "a", state: onlineState({ revision: 3 }) }] })).rejects.toThrow("lost");
      expect(await cache.read("a")).toMatchObject({ state: { revision: 3 } });
    }));

  test("makes room for others, by number and by size", () =>
    onNewStore(harness, async (real) => {
      const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
      for (const id of ids) await real.createSensor(draftOf(id, { metadata: { text: "x".repeat(1000) } }));
      for (const limit of [{ entriesMax: 5 }, { bytesMax: 30_000 }]) {
        await using opened = openCache(real, limit);
        for (const id of ids) await opened.cache.read(id);
        const held = ids.filter((id) => !(opened.cache.read(id) instanceof Promise));
        expect(held).toEqual(ids.slice(-5));
        await opened.cache.check();
        const told = await opened.counts();
        expect(told["entries"]).toBe(5);
        expect(told["bytes"]).toBeLessThanOrEqual(30_000);
      }
    }));

  test("that differs from the database is found, counted and repaired; what is right is left alone", () =>
    onNewStore(harness, async (real) => {
      await using opened = openCache(real);
      const { cache, counts } = opened;
      for (const id of ["edited", "deleted", "reported", "right"]) await real.createSensor(draftOf(id, { metadata: { deep: [1, null] } }));
      const owner = await Owner.of(real);
      await owner.commit({ states: [{ sensorId: "right", state: onlineState() }] });
      for (const id of ["edited", "deleted", "reported", "right"]) await cache.read(id);
      await cache.check();
      expect((await counts())["drift_total"]).toBe(0);
      // Past the cache, as nothing may.
      await real.updateSensor(draftOf("edited", { name: "E" }), null);
      await real.deleteSensor("deleted", null);
      await owner.refresh();
      await owner.commit({ states: [{ sensorId: "reported", state: onlineState({ revision: 2 }) }] });
      await cache.check();
      expect((await counts())["drift_total"]).toBe(3);
      for (const id of ["edited", "deleted", "reported"]) expect(await cache.read(id)).toEqual(await real.getSensor(id));
      expect(cache.read("right")).not.toBeInstanceOf(Promise);
      await cache.check();
      expect((await counts())["drift_total"]).toBe(3);
    }));
});
