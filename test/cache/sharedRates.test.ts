/** Whether a rate holds for all nodes together, on a real Redis that is well, gone, hangs, was emptied or holds lies. */
import { describe, expect, test } from "bun:test";
import { openProxy } from "../../chaos/proxy";
import { createTurns } from "../../src/notifier/turns";
import { startRedis, type TestRedis } from "../servers/redis";
import { until } from "../until";
import { excess, openSendingNode, PARTITIONS, quickest, type SendingNode } from "./rateSenders";

const RATE = 50;
const TEST_MS = 240_000;
const MORE_WITHIN_MS = 60_000;
const SHARED_WITHIN_MS = 60_000;
/** What stands in the way of an even flow: one is always there. */
const ONE = 1;
/** … and one for each node that sends by its part. */
const ONE_EACH = 2;

/** Most of their time they wait; but not all at once, each has a Redis of its own. */
const turns = createTurns(4);
const tried = (what: string, act: () => Promise<void>) => test.concurrent(what, () => turns.run(act), TEST_MS);

async function sharing(...nodes: SendingNode[]): Promise<void> {
  await until(() => nodes.every((node) => node.isShared()), "not shared", SHARED_WITHIN_MS);
}

/** Resolves once they sent so many more, together. */
async function more(count: number, ...nodes: SendingNode[]): Promise<void> {
  const sent = () => nodes.reduce((sum, node) => sum + node.sent.length, 0);
  const before = sent();
  await until(() => sent() >= before + count, `${count} more were not sent`, MORE_WITHIN_MS);
}

const all = (...nodes: SendingNode[]) => nodes.flatMap(({ sent }) => sent);

describe("nodes that share a Redis", () => {
  tried("send a webhook's rate together, evenly, each its part", async () => {
    await using redis = await startRedis();
    await using a = openSendingNode({ url: redis.url, perSecond: RATE });
    await using b = openSendingNode({ url: redis.url, perSecond: RATE });
    await sharing(a, b);
    await more(200, a, b);
    expect(excess(all(a, b), RATE)).toBeLessThanOrEqual(ONE);
    expect(Math.min(a.sent.length, b.sent.length)).toBeGreaterThan(60);
  });

  for (const rate of [3, RATE]) {
    tried(`give all of a rate of ${rate} to the one that has something to send`, async () => {
      await using redis = await startRedis();
      await using idle = openSendingNode({ url: redis.url, perSecond: rate, owned: PARTITIONS - 1, busy: false });
      await using node = openSendingNode({ url: redis.url, perSecond: rate, owned: 1 });
      await sharing(idle, node);
      // Its part alone is a quarter.
      await until(() => quickest(node.sent, Math.max(6, rate)) > 0.6 * rate, "it does not get more than its part", MORE_WITHIN_MS);
      expect(excess(node.sent, rate)).toBeLessThanOrEqual(ONE);
      expect(idle.sent).toHaveLength(0);
    });
  }

  tried("ask seldom, however much they send", async () => {
    await using redis = await startRedis();
    await using node = openSendingNode({ url: redis.url, perSecond: 2000 });
    await sharing(node);
    await more(200, node);
    await redis.client.config("RESETSTAT");
    await more(2000, node);
    const [, calls] = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.client.info("commandstats")) ?? [];
    expect(Number(calls)).toBeWithin(5, 400);
  });

  tried("keep nothing there that does not end by itself", async () => {
    await using redis = await startRedis();
    await using node = openSendingNode({ url: redis.url, perSecond: RATE });
    await sharing(node);
    await more(20, node);
    const keys = await redis.client.keys("*");
    expect(keys.toSorted()).toEqual([PACE, POOL]);
    for (const key of keys) expect(await redis.client.pttl(key)).toBeWithin(1, 2501);
  });
});

interface Disturbance {
  /** Done again and again, while nodes send. */
  readonly disturb: (redis: TestRedis) => Promise<unknown>;
  readonly mend?: (redis: TestRedis) => unknown;
}

const [PACE, POOL] = ["tocsin:test:rate:wh_rated", "tocsin:test:rates"];
const set = (lie: string): Disturbance => ({ disturb: ({ client }) => client.set(PACE, lie) });
const forged = (until: number): Disturbance => ({ disturb: ({ client }) => client.hset(POOL, "forged", `${PARTITIONS} ${until}`) });

const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  "is flushed": { disturb: ({ client }) => client.flushall() },
  "forgets its scripts": { disturb: ({ client }) => client.script("FLUSH") },
  "loses what it gave": { disturb: ({ client }) => client.del(PACE) },
  "says that nothing was ever given": set("0"),
  "says that all is given for years": set("9".repeat(16)),
  "holds no number": set("nan"),
  "holds things of other types": { disturb: ({ client }) => client.multi().del(PACE, POOL).rpush(PACE, "a").rpush(POOL, "b").exec() },
  "holds a node that is none": forged(Date.now() * 1000 + 1_000_000),
  "holds a node that is there for ever": forged(9e15),
  "cuts connections off": { disturb: ({ client }) => client.call("CLIENT", "KILL", "TYPE", "normal") },
  "is full, and refuses": {
    disturb: async ({ client }) => {
      await client.config("SET", "maxmemory-policy", "noeviction");
      await client.config("SET", "maxmemory", "1");
    },
    mend: ({ client }) => client.config("SET", "maxmemory", "0"),
  },
  "hangs and goes on": {
    disturb: async (redis) => {
      redis.freeze();
      await Bun.sleep(150);
      redis.thaw();
      await Bun.sleep(100);
    },
    mend: (redis) => redis.thaw(),
  },
  "dies and comes again": {
    disturb: async (redis) => {
      await redis.kill();
      await Bun.sleep(50);
      await redis.start();
      await Bun.sleep(400);
    },
  },
};

describe("nobody is sent more than the rate, and all is sent in the end, while Redis", () => {
  for (const [what, { disturb, mend }] of Object.entries(DISTURBANCES)) {
    tried(what, async () => {
      await using redis = await startRedis();
      await using a = openSendingNode({ url: redis.url, perSecond: RATE });
      await using b = openSendingNode({ url: redis.url, perSecond: RATE });
      await sharing(a, b);
      await more(20, a, b);
      let over = false;
      const disturbing = (async () => {
        for (; !over; await Bun.sleep(3)) await disturb(redis);
      })();
      try {
        await Promise.all([more(40, a), more(40, b)]);
      } finally {
        over = true;
        await disturbing;
        await mend?.(redis);
      }
      await sharing(a, b);
      expect(excess(all(a, b), RATE)).toBeLessThanOrEqual(ONE + ONE_EACH);
    });
  }
});

tried("a node that does not reach Redis sends by its part, and no more is sent while it comes and goes", async () => {
  await using redis = await startRedis();
  await using proxy = await openProxy(redis.port);
  await using a = openSendingNode({ url: redis.url, perSecond: RATE });
  await using b = openSendingNode({ url: `redis://127.0.0.1:${proxy.port}`, perSecond: RATE });
  await sharing(a, b);
  for (const state of ["held", "cut"] as const) {
    await more(30, a, b);
    proxy.set(state);
    await until(() => !b.isShared());
    expect(b.turns.at(-1)?.reason).toBeString();
    await sharing(a);
    await Promise.all([more(30, a), more(30, b)]);
    proxy.set("open");
    await sharing(b);
  }
  await more(50, a, b);
  expect(excess(all(a, b), RATE)).toBeLessThanOrEqual(ONE + ONE_EACH);
});

tried("what was sent to a Redis that hung puts nobody into the pool who has left it", async () => {
  await using redis = await startRedis();
  await using a = openSendingNode({ url: redis.url, perSecond: RATE });
  await using b = openSendingNode({ url: redis.url, perSecond: RATE });
  await sharing(a, b);
  await more(20, a, b);
  redis.freeze();
  await until(() => !a.isShared() && !b.isShared());
  await Promise.all([more(40, a), more(40, b)]);
  redis.thaw();
  await sharing(a, b);
  await more(40, a, b);
  expect(excess(all(a, b), RATE)).toBeLessThanOrEqual(ONE + ONE_EACH);
});

tried("partitions that move take their part of a rate along, and who owns all of them asks nobody", async () => {
  await using redis = await startRedis();
  await using a = openSendingNode({ url: redis.url, perSecond: RATE, owned: 3 });
  await using b = openSendingNode({ url: redis.url, perSecond: RATE, owned: 1 });
  await sharing(a, b);
  for (let move = 0; move < 6; move += 1) {
    [a.owned, b.owned] = [b.owned, a.owned];
    await more(20, a, b);
  }
  expect(excess(all(a, b), RATE)).toBeLessThanOrEqual(ONE);
  [a.owned, b.owned, b.busy] = [PARTITIONS, 0, false];
  redis.freeze();
  await more(100, a);
  expect(excess(all(a, b), RATE)).toBeLessThanOrEqual(ONE + ONE_EACH);
});
