import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CACHE_BELIEVED_MS } from "../../src/cache/shared";
import { startRedis, type TestRedis } from "../servers/redis";
import { onNewStore } from "../store/conformance/harness";
import { sqliteHarness } from "../store/sqlite/harness";
import { keysOf, openNode } from "./stage";
import { Truth } from "./truth";

const TEST_MS = 60_000;
/** Reads and writes that every disturbance must outlast. */
const READS = 400;
const WRITES = 12;
/** Between what the writer measures and what the database's clock, in whole milliseconds, says. */
const CLOCK_MS = 20;

const harness = await sqliteHarness();
let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  harness[Symbol.dispose]();
  await redis[Symbol.asyncDispose]();
});

interface Disturbance {
  /** Done again and again, while nodes read and write. */
  readonly disturb: () => Promise<unknown>;
  readonly mend?: () => Promise<unknown>;
  /** Under which outcome it shows in the counters of the nodes. */
  readonly shows: readonly string[];
  /** It plays back what was true within the last second: nobody who was not there can know better. */
  readonly playsBack?: boolean;
  /** Nodes hear of each other's edits by another way. */
  readonly hear?: boolean;
  readonly writes?: number;
}

const registers = async () => [...(await keysOf(redis, "registry")), ...(await keysOf(redis, "state"))];
const overwrite = async (lie: (key: string, held: string | null) => Promise<unknown>) => {
  for (const key of await registers()) await lie(key, await redis.client.get(key).catch(() => null));
};
const set = (value: (held: string) => string) => () =>
  overwrite(async (key, held) => held !== null && redis.client.set(key, value(held), "PX", 5000));
const limited = (policy: string) => async () => {
  const { client } = redis;
  await client.config("SET", "maxmemory-policy", policy);
  await client.config("SET", "maxmemory", "1");
  await Bun.sleep(30);
  await client.config("SET", "maxmemory", "0");
};
const unlimited = () => redis.client.config("SET", "maxmemory", "0");

/** What was once in Redis, by key. */
const kept = new Map<string, string>();
const playBack = async () => {
  for (const key of await registers()) {
    const held = await redis.client.get(key).catch(() => null);
    const before = kept.get(key);
    if (before !== undefined && Math.random() < 0.7) await redis.client.set(key, before);
    else if (held?.startsWith("V")) kept.set(key, held);
  }
};

const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  "does what it should": { disturb: () => Bun.sleep(1), shows: ["reads_total:hit", "writes_total:written"] },
  "is flushed": { disturb: () => redis.client.flushall(), shows: ["reads_total:miss"] },
  "forgets its scripts": { disturb: () => redis.client.script("FLUSH"), shows: ["reads_total:hit"] },
  "cuts connections off": {
    disturb: () => redis.client.call("CLIENT", "KILL", "TYPE", "normal"),
    shows: ["reads_total:bypassed"],
    writes: 6,
  },
  "dies and comes again": {
    disturb: async () => {
      await redis.kill();
      await Bun.sleep(50);
      await redis.start();
      await Bun.sleep(300);
    },
    shows: ["reads_total:bypassed"],
    writes: 8,
  },
  "hangs and goes on": {
    disturb: async () => {
      redis.freeze();
      await Bun.sleep(400);
      redis.thaw();
      await Bun.sleep(200);
    },
    mend: async () => redis.thaw(),
    shows: ["reads_total:failed"],
    writes: 8,
  },
  "hangs for longer than anything is believed": {
    disturb: async () => {
      redis.freeze();
      await Bun.sleep(CACHE_BELIEVED_MS + 300);
      redis.thaw();
      await Bun.sleep(200);
    },
    mend: async () => redis.thaw(),
    shows: ["reads_total:failed", "edit_waits_total"],
    writes: 8,
  },
  "is full, and refuses": { disturb: limited("noeviction"), mend: unlimited, shows: ["reads_total:failed"] },
  "is full, and evicts": { disturb: limited("allkeys-lru"), mend: unlimited, shows: ["reads_total:miss"] },
  "holds junk": { disturb: set(() => "junk"), shows: ["lies_total:forged", "reads_total:refused"] },
  "holds bytes that are no text": {
    disturb: () => overwrite((key) => redis.client.set(key, Buffer.from([0xff, 0xfe, 0x00, 0x56, 0xc3]))),
    shows: ["lies_total:forged"],
  },
  "holds one sensor's under another's name": {
    disturb: async () => {
      const keys = await registers();
      const values = keys.length === 0 ? [] : await redis.client.mget(keys);
      for (const [index, key] of keys.entries()) await redis.client.set(key, values[(index + 1) % keys.length] ?? "V");
    },
    shows: ["lies_total:forged"],
  },
  "holds what was changed by a letter": {
    disturb: set((held) => held.replace(/at version (\d)/, "at version 9$1").replace("-at-", "-at-9")),
    shows: ["lies_total:forged"],
  },
  "holds places beyond all others": { disturb: set((held) => `V${"9".repeat(26)}${held.slice(27)}`), shows: ["lies_total:forged"] },
  "holds what is vouched for in the future": {
    disturb: set((held) => held.slice(0, 27) + "9".repeat(16) + held.slice(43)),
    shows: ["lies_total:forged"],
  },
  "holds leases that nobody has": { disturb: () => overwrite((key) => redis.client.set(key, "Lnobody")), shows: ["reads_total:miss"] },
  "holds things of other types": {
    disturb: () => overwrite((key) => redis.client.multi().del(key).rpush(key, "a", "b").exec()),
    shows: ["lies_total:odd"],
  },
  "holds huge things": { disturb: set(() => `V${"0".repeat(1_000_000)}`), shows: ["lies_total:odd"] },
  "plays back what was true a while ago": { disturb: playBack, shows: ["reads_total:refused"], playsBack: true },
  "plays it back, and nodes hear of edits": { disturb: playBack, shows: ["reads_total:refused"], hear: true },
};

describe("answers are true while Redis", () => {
  for (const [what, { disturb, mend, shows, playsBack = false, hear = false, writes = WRITES }] of Object.entries(DISTURBANCES)) {
    test(
      what,
      () =>
        onNewStore(harness, async (store) => {
          kept.clear();
          await redis.client.flushall();
          await using one = await openNode(store, redis);
          await using other = await openNode(store, redis);
          if (hear) {
            one.cache.share((ids) => other.cache.heardOfEdits(ids));
            other.cache.share((ids) => one.cache.heardOfEdits(ids));
          }
          const believed = CACHE_BELIEVED_MS + CLOCK_MS;
          const truth = await Truth.of(store, [one, other], { state: believed, registry: playsBack ? believed : 0 });
          const shown = async () => {
            const [first, second] = [await one.counts(), await other.counts()];
            return shows.every((name) => (first[name] ?? 0) + (second[name] ?? 0) > 0);
          };
          let over = false;
          const write = async () => {
            for (let turn = 0; turn < writes || truth.reads < READS || !(await shown()); turn += 1) {
              await truth.write();
              await Bun.sleep(5);
            }
            over = true;
          };
          const disturbing = async () => {
            while (!over) {
              await disturb();
              await Bun.sleep(3);
            }
          };
          try {
            await Promise.all([write(), disturbing(), ...[one, other].map((node) => truth.read(node, () => over))]);
          } finally {
            over = true;
            await mend?.();
          }
          expect(truth.lies).toEqual([]);
          for (const node of [one, other]) {
            await node.cache.check();
            expect((await node.counts())["drift_total"]).toBe(0);
          }
        }),
      TEST_MS,
    );
  }
});
