import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CACHE_BELIEVED_MS } from "../../src/cache/shared";
import type { SensorAt, Store } from "../../src/store/store";
import { startRedis, type TestRedis } from "../servers/redis";
import { onNewStore } from "../store/conformance/harness";
import { Owner } from "../store/conformance/owner";
import { draftOf, onlineState } from "../store/conformance/samples";
import { sqliteHarness } from "../store/sqlite/harness";
import { until } from "../until";
import { type CacheNode, keysOf, openNode as openStaged } from "./stage";

/** On a busy machine a Redis that is well may take longer than a node waits for it. */
const PATIENT = { commandMs: 10_000 };
const openNode = (store: Store, on: TestRedis) => openStaged(store, on, PATIENT);

const harness = await sqliteHarness();
let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  harness[Symbol.dispose]();
  await redis[Symbol.asyncDispose]();
});

/** Two nodes on one store and one Redis, which is empty. */
function onTwoNodes(act: (nodes: { one: CacheNode; other: CacheNode; store: Store }) => Promise<void>): Promise<void> {
  return onNewStore(harness, async (store) => {
    await redis.client.flushall();
    await using one = await openNode(store, redis);
    await using other = await openNode(store, redis);
    await act({ one, other, store });
  });
}

/** Reads at this node until both registers of a sensor are in Redis, where they stay for a moment. */
function filled(node: CacheNode, id: string): Promise<void> {
  return until(async () => {
    await node.cache.read(id);
    const keys = [...(await keysOf(redis, "registry")), ...(await keysOf(redis, "state"))].filter((key) => key.endsWith(`:${id}`));
    const values = keys.length === 0 ? [] : await redis.client.mget(keys);
    return values.filter((value) => value?.startsWith("V")).length === 2;
  }, `${id} is not filled in`);
}

/** Reads at this node until the answer came without the database. */
async function readHit(node: CacheNode, id: string) {
  let record = await node.cache.read(id);
  await until(async () => {
    const asked = node.asked();
    record = await node.cache.read(id);
    return node.asked() === asked;
  }, `${id} is not at hand`);
  return record;
}

describe("a sensor that nodes read through Redis", () => {
  test("is read from the database by one of them, and answered from what that one left by all", () =>
    onTwoNodes(async ({ one, other, store }) => {
      await store.createSensor(draftOf("a", { labels: { site: "north" }, metadata: { deep: { list: [1, null] } } }));
      const owner = await Owner.of(store);
      await owner.commit({ states: [{ sensorId: "a", state: onlineState({ revision: 3 }) }] });
      const truth = await store.getSensor("a");
      expect(await one.cache.read("a")).toEqual(truth);
      expect(await readHit(other, "a")).toEqual(truth);
      expect((await other.counts())["reads_total:hit"]).toBeGreaterThanOrEqual(1);
      expect(await one.cache.read("nobody")).toBeNull();
    }));

  test("is seen as it was edited by whoever asks after the edit's answer, at any node, again and again", () =>
    onTwoNodes(async ({ one, other, store }) => {
      await store.createSensor(draftOf("a"));
      const nodes = [one, other];
      for (let version = 2; version < 60; version += 1) {
        for (const node of nodes) await node.cache.read("a");
        await (nodes[version % 2] as CacheNode).store.updateSensor(draftOf("a", { name: `v${version}` }), null);
        for (const node of nodes) expect(await node.cache.read("a")).toMatchObject({ sensor: { version, name: `v${version}` } });
      }
      await one.store.deleteSensor("a", null);
      for (const node of nodes) expect(await node.cache.read("a")).toBeNull();
      await other.store.createSensor(draftOf("a", { name: "again" }));
      for (const node of nodes) expect(await node.cache.read("a")).toMatchObject({ sensor: { life: 2, name: "again" } });
    }));

  test("that was read before an edit is not filled in after it, whatever became of what Redis held", () =>
    onNewStore(harness, async (store) => {
      await redis.client.flushall();
      await store.createSensor(draftOf("a"));
      let gate = Promise.resolve();
      const slow = { ...store, sensorsAt: (ids: readonly string[]) => store.sensorsAt(ids).then((told) => gate.then(() => told)) };
      await using one = await openNode(slow, redis);
      await using other = await openNode(store, redis);
      for (const between of [async () => {}, () => redis.client.flushall(), () => other.cache.read("a")]) {
        const held = Promise.withResolvers<void>();
        gate = held.promise;
        const reading = one.cache.read("a");
        await until(async () => (await keysOf(redis, "registry")).length === 1, "it is not leased");
        const name = crypto.randomUUID();
        await other.store.updateSensor(draftOf("a", { name }), null);
        await between();
        held.resolve();
        await reading;
        // What it would fill in has arrived before that.
        await one.redis.client.ping();
        await using witness = await openNode(store, redis);
        expect(await witness.cache.read("a")).toMatchObject({ sensor: { name } });
        expect(await readHit(witness, "a")).toMatchObject({ sensor: { name } });
        await redis.client.flushall();
      }
    }));

  test("is seen as it was edited by a node that cannot reach Redis, at those that can", () =>
    onTwoNodes(async ({ one, other, store }) => {
      await store.createSensor(draftOf("a"));
      await one.redis.close();
      await until(() => !one.redis.isUp());
      await readHit(other, "a");
      await one.store.updateSensor(draftOf("a", { name: "edited" }), null);
      expect(await other.cache.read("a")).toMatchObject({ sensor: { name: "edited" } });
      expect((await one.counts())["edit_waits_total"]).toBe(1);
    }));

  test("is edited without waiting where Redis is full, and refuses everything else", () =>
    onTwoNodes(async ({ one, other, store }) => {
      await store.createSensor(draftOf("a"));
      await redis.client.config("SET", "maxmemory", "1");
      try {
        for (let turn = 0; turn < 10; turn += 1) {
          for (const node of [one, other]) await node.cache.read("a");
          await one.store.updateSensor(draftOf("a", { name: `full ${turn}` }), null);
          for (const node of [one, other]) expect(await node.cache.read("a")).toMatchObject({ sensor: { name: `full ${turn}` } });
        }
        const told = await one.counts();
        expect(told).toMatchObject({ edit_waits_total: 0 });
        // It is left alone after a few failures.
        expect(told["reads_total:bypassed"]).toBeGreaterThan(told["reads_total:failed"] ?? 0);
      } finally {
        await redis.client.config("SET", "maxmemory", "0");
      }
    }));

  test("is believed for no longer than a moment, whatever Redis does about its end", () =>
    onTwoNodes(async ({ one, store }) => {
      await store.createSensor(draftOf("a"));
      await readHit(one, "a");
      for (const register of ["registry", "state"] as const)
        for (const key of await keysOf(redis, register)) await redis.client.persist(key);
      // By a node that tells nobody.
      await store.updateSensor(draftOf("a", { name: "edited" }), null);
      await Bun.sleep(CACHE_BELIEVED_MS);
      await using witness = await openNode(store, redis);
      expect(await witness.cache.read("a")).toMatchObject({ sensor: { name: "edited" } });
      expect((await witness.counts())["reads_total:refused"]).toBe(1);
    }));

  test("gets the states that its owner commits while it is read, and not otherwise", () =>
    onTwoNodes(async ({ one, other, store }) => {
      for (const id of ["read", "unread"]) await store.createSensor(draftOf(id));
      const owner = await Owner.of(other.store);
      const commit = (revision: number) =>
        owner.commit({
          states: ["read", "unread"].map((sensorId) => ({ sensorId, state: onlineState({ revision, status: `s${revision}` }) })),
        });
      await commit(1);
      let revision = 1;
      // The owner has to hear of it first.
      await until(async () => {
        await one.cache.read("read");
        await commit((revision += 1));
        return ((await other.counts())["writes_total:written"] ?? 0) > 0;
      }, "the owner writes nothing");
      const keys = await keysOf(redis, "state");
      expect(keys.every((key) => key.endsWith(":read"))).toBe(true);
      expect(await readHit(one, "read")).toMatchObject({ state: { revision, status: `s${revision}` } });
      // Without anybody's asking the database.
      await until(async () => {
        await readHit(one, "read");
        const asked = one.asked();
        await commit((revision += 1));
        await until(async () => ((await one.cache.read("read"))?.state.revision ?? 0) === revision || one.asked() > asked);
        return one.asked() === asked;
      }, "no state comes by itself");
    }));

  test("keeps the state of a later place, whoever comes late with an earlier one", () =>
    onTwoNodes(async ({ one, other, store }) => {
      await store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      const parts = [1, 2].map((revision) => {
        const part = owner.part({ states: [{ sensorId: "a", state: onlineState({ revision }) }] });
        owner.position = part.to;
        return part;
      }) as [never, never];
      const [earlier, later] = parts;
      const [outcome] = await store.commitBatch([earlier]);
      const at = outcome?.kind === "committed" ? outcome.recordedAt : 0;
      await store.commitBatch([later]);
      const vouched = { at, askedAt: performance.now() };
      // Both have owned the partition, and hear who reads.
      for (const node of [one, other]) node.cache.committed(earlier, vouched);
      await until(
        async () => Number((await redis.client.pubsub("NUMSUB", ...((await redis.client.pubsub("CHANNELS")) as string[])))[1] ?? 0) === 2,
      );
      await filled(one, "a");
      const [key] = (await keysOf(redis, "state")) as [string];
      const before = (await redis.client.get(key)) as string;
      other.cache.committed(later, { ...vouched, at: vouched.at + 1 });
      one.cache.committed(earlier, { ...vouched, at: vouched.at + 1 });
      for (const node of [one, other]) await node.cache.stop();
      const after = ((await redis.client.get(key)) ?? before) as string;
      expect(after.slice(1, 27) >= before.slice(1, 27)).toBe(true);
      expect(after).toContain('"revision":2');
    }));

  test("is not shown with a state of a life that its registration does not know yet", () =>
    onTwoNodes(async ({ one, other, store }) => {
      await store.createSensor(draftOf("a"));
      await filled(one, "a");
      const [key] = (await keysOf(redis, "registry")) as [string];
      const firstLife = (await redis.client.get(key)) as string;
      await other.store.deleteSensor("a", null);
      await other.store.createSensor(draftOf("a"));
      const owner = await Owner.of(store);
      await owner.commit({ states: [{ sensorId: "a", state: onlineState({ life: 2, revision: 5 }) }] });
      // A third node has seen nothing of all this.
      await using third = await openNode(store, redis);
      await filled(third, "a");
      await redis.client.set(key, firstLife, "PX", CACHE_BELIEVED_MS);
      await using fourth = await openNode(store, redis);
      expect(await fourth.cache.read("a")).toMatchObject({ sensor: { life: 2 }, state: { revision: 5 } });
    }));

  test("that differs from the database is found, counted and repaired; one that is merely behind, or a lie, is no drift", () =>
    onNewStore(harness, async (store) => {
      await redis.client.flushall();
      // By hand, without a version of its own: no call does that.
      let name: string | null = null;
      const byHand = (each: SensorAt) =>
        each.sensor.id === "wrong" && name !== null ? { ...each, sensor: { ...each.sensor, name } } : each;
      const edited = {
        ...store,
        sensorsAt: (given: readonly string[]) => store.sensorsAt(given).then((told) => ({ ...told, sensors: told.sensors.map(byHand) })),
      };
      await using node = await openNode(edited, redis);
      const ids = ["wrong", "behind", "forged", "right"];
      for (const id of ids) await store.createSensor(draftOf(id));
      const found = async () => {
        const { drift_total: drifted, "lies_total:forged": forged } = await node.counts();
        return { drifted: drifted ?? 0, forged: forged ?? 0 };
      };
      let forged = "";
      // Until nothing of it has ended in Redis before it was compared.
      await until(async () => {
        name = null;
        for (const id of ids) await filled(node, id);
        name = "renamed by hand";
        await store.updateSensor(draftOf("behind", { name: "edited past the cache" }), null);
        forged = (await keysOf(redis, "registry")).find((key) => key.endsWith(":forged")) ?? "";
        await redis.client.set(forged, "junk", "PX", 5000);
        const before = await found();
        await node.cache.check();
        const after = await found();
        return after.drifted === before.drifted + 1 && after.forged === before.forged + 1;
      }, "one drift and one lie are not found");
      expect((await node.cache.read("wrong"))?.sensor.name).toBe("renamed by hand");
      expect((await keysOf(redis, "registry")).filter((key) => key === forged)).toEqual([]);
    }));

  test("is never larger there than anybody has to read", () =>
    onTwoNodes(async ({ one, store }) => {
      await store.createSensor(draftOf("large", { metadata: { text: "x".repeat(300_000) } }));
      for (let times = 0; times < 3; times += 1) expect((await one.cache.read("large"))?.sensor.metadata["text"]).toHaveLength(300_000);
      expect(one.asked()).toBeGreaterThanOrEqual(3);
    }));
});
