/** What limits do on a real Redis that is gone, hangs, is full, was emptied or holds lies. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createMemoryBuckets } from "../../src/cache/memoryBuckets";
import { openRedis, type RedisLink, type RedisOptions } from "../../src/cache/redis";
import { RedisBuckets } from "../../src/cache/redisBuckets";
import { type BucketRule, DEBT_MS_MAX } from "../../src/domain/bucket";
import { startRedis, type TestRedis } from "../servers/redis";
import { until } from "../until";

const RETRY_MS = 20;
const PATIENT_MS = 10_000;
/** So slow that nothing comes in while a test runs. */
const SLOW: BucketRule = { name: "slow", perSecond: 1 / 3600, burst: 10 };
/** Is given out in slices. */
const LARGE: BucketRule = { name: "large", perSecond: 1000, burst: 4000 };

interface Node extends AsyncDisposable {
  readonly link: RedisLink;
  readonly buckets: RedisBuckets;
  /** Every turn, with its reason. */
  readonly turns: { shared: boolean; reason: string | null }[];
  readonly isShared: () => boolean;
}

/** As `service.ts` connects it, but for its patience: on a busy machine a Redis that is well may take longer than a node waits. */
function openNode(url: string, options: RedisOptions = { commandMs: PATIENT_MS }): Node {
  const turns: Node["turns"] = [];
  const link = openRedis(url, options);
  const onShared = (shared: boolean, reason: string | null) => void turns.push({ shared, reason });
  const buckets = new RedisBuckets({ redis: link, memory: createMemoryBuckets(), onShared, retryMs: RETRY_MS });
  return {
    link,
    buckets,
    turns,
    isShared: () => turns.at(-1)?.shared === true,
    async [Symbol.asyncDispose]() {
      buckets.stop();
      await link.close();
    },
  };
}

async function sharing(url: string, options?: RedisOptions): Promise<Node> {
  const node = openNode(url, options);
  await until(node.isShared);
  return node;
}

/** How many of so many are let in, asked for at once. */
async function takeMany(node: Node, rule: BucketRule, key: string, times: number): Promise<number> {
  const taken = await Promise.all(Array.from({ length: times }, () => node.buckets.take(rule, key)));
  return taken.filter(({ allowed }) => allowed).length;
}

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(async () => {
  await redis.client.flushall();
});

describe("nodes that share a Redis", () => {
  test("let in together what the rule allows, exactly where it is small", async () => {
    await using a = await sharing(redis.url);
    await using b = await sharing(redis.url);
    const let_in = await Promise.all([takeMany(a, SLOW, "k", 20), takeMany(b, SLOW, "k", 20)]);
    expect(let_in[0] + let_in[1]).toBe(10);
    expect(await takeMany(a, SLOW, "other", 20)).toBe(10);
    expect(await b.buckets.take(SLOW, "k")).toMatchObject({ allowed: false, remaining: 0 });
  });

  test("give out slices of a large one without asking each time, and no more than there is", async () => {
    const rule = { ...LARGE, perSecond: 1 / 3600 };
    await using a = await sharing(redis.url);
    await using b = await sharing(redis.url);
    let letIn = 0;
    for (let round = 0; round < 100; round += 1) letIn += (await takeMany(a, rule, "k", 30)) + (await takeMany(b, rule, "k", 30));
    expect(letIn).toBe(4000);
  });

  test("answer without a promise what is in hand", async () => {
    await using node = await sharing(redis.url);
    const rule = { ...LARGE, perSecond: 100_000, burst: 100_000 };
    let atOnce = 0;
    for (let round = 0; round < 500; round += 1) {
      const taken = node.buckets.take(rule, "k");
      if (!(taken instanceof Promise)) atOnce += 1;
      expect((await taken).allowed).toBe(true);
    }
    expect(atOnce).toBeGreaterThan(400);
  });

  test("tell what is left, and when to come again", async () => {
    await using node = await sharing(redis.url);
    expect(await node.buckets.take(SLOW, "k")).toMatchObject({ allowed: true, remaining: 9 });
    expect(await node.buckets.look(SLOW, "k")).toMatchObject({ allowed: true, remaining: 9 });
    expect(await node.buckets.charge(SLOW, "k", 8)).toBe(0);
    expect(await takeMany(node, SLOW, "k", 3)).toBe(1);
    const { allowed, retryAfterMs } = await node.buckets.look(SLOW, "k");
    expect(allowed).toBe(false);
    expect(retryAfterMs).toBeGreaterThan(3_500_000);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000);
  });

  test("charge on credit, up to a debt with a bound", async () => {
    await using node = await sharing(redis.url);
    const owedMs = await node.buckets.charge({ ...LARGE, name: "debt" }, "k", 5000);
    expect(owedMs).toBeGreaterThan(0);
    expect(owedMs).toBeLessThanOrEqual(1001);
    expect(await node.buckets.charge({ ...LARGE, name: "debt" }, "k", 1e9)).toBeLessThanOrEqual(DEBT_MS_MAX + 1);
  });

  test("keep nothing in Redis that is full again, and nothing under a name that is not theirs", async () => {
    await using node = await sharing(redis.url);
    const quick = { name: "quick", perSecond: 1000, burst: 2 };
    await node.buckets.take(quick, "k");
    await node.buckets.take(SLOW, "x".repeat(5000));
    const keys = await redis.client.keys("*");
    expect(keys.every((key) => key.startsWith("tocsin:bucket:") && key.length < 300)).toBe(true);
    const ttls = await Promise.all(keys.map((key) => redis.client.pttl(key)));
    // -2: it is gone already.
    expect(ttls.every((ttl) => ttl > 0 || ttl === -2)).toBe(true);
    await until(async () => (await redis.client.exists("tocsin:bucket:quick:k")) === 0);
  });
});

describe("a Redis that", () => {
  test("was never there: this node counts alone, and says so once", async () => {
    await using node = openNode("redis://127.0.0.1:1");
    expect(await takeMany(node, SLOW, "k", 20)).toBe(10);
    await until(() => node.turns.length > 0);
    for (let look = 0; look < 5; look += 1) await Bun.sleep(RETRY_MS);
    expect(node.turns).toEqual([{ shared: false, reason: expect.any(String) }]);
  });

  test("dies: what was let in here counts on, and is shared again when it is back", async () => {
    await using own = await startRedis();
    await using node = await sharing(own.url);
    expect(await takeMany(node, SLOW, "k", 7)).toBe(7);
    await own.kill();
    expect(await takeMany(node, SLOW, "k", 20)).toBe(3);
    await until(() => !node.isShared());
    await own.start();
    await until(node.isShared);
    expect(node.turns.map(({ shared }) => shared)).toEqual([true, false, true]);
    expect((await node.buckets.take(SLOW, "k")).allowed).toBe(true);
  });

  test("hangs: the first to ask waits for it, nobody after", async () => {
    await using own = await startRedis();
    await using node = await sharing(own.url, {});
    own.freeze();
    expect((await node.buckets.take(SLOW, "first")).allowed).toBe(true);
    expect(node.turns.at(-1)).toMatchObject({ shared: false, reason: expect.stringContaining("timed out") });
    // Without a promise nobody waits.
    for (let key = 0; key < 1000; key += 1) expect(node.buckets.take(SLOW, `k${key}`)).toMatchObject({ allowed: true });
    own.thaw();
    await until(node.isShared);
    expect(await takeMany(node, SLOW, "back", 20)).toBe(10);
  });

  test("is full: what it refuses to keep is counted here, until there is room", async () => {
    await using own = await startRedis(["--maxmemory-policy", "noeviction"]);
    await using node = await sharing(own.url);
    await own.client.config("SET", "maxmemory", "1");
    expect(await takeMany(node, SLOW, "k", 20)).toBe(10);
    expect(node.turns.at(-1)).toMatchObject({ shared: false, reason: expect.stringContaining("OOM") });
    await own.client.config("SET", "maxmemory", "0");
    await until(node.isShared);
  });

  test("was emptied: everybody begins anew, and no more than that", async () => {
    await using node = await sharing(redis.url);
    expect(await takeMany(node, SLOW, "k", 20)).toBe(10);
    await redis.client.flushall("SYNC");
    await redis.client.script("FLUSH");
    expect(await takeMany(node, SLOW, "new", 20)).toBe(10);
    expect(node.turns).toHaveLength(1);
  });

  test("becomes a copy that takes no writes: this node counts alone", async () => {
    await using own = await startRedis();
    await using node = await sharing(own.url);
    await own.client.replicaof("127.0.0.1", 1);
    expect(await takeMany(node, SLOW, "k", 20)).toBe(10);
    expect(node.turns.at(-1)).toMatchObject({ shared: false, reason: expect.stringContaining("READONLY") });
    await own.client.replicaof("NO", "ONE");
    await until(node.isShared);
  });
});

describe("a lie in Redis", () => {
  const KEY = "tocsin:bucket:slow:k";

  test.each(["nonsense", "", "nan", "-nan", "-inf", "-1e300", "0", "12,5", "\u0000"])(
    "of no time, %p, counts as a full bucket",
    async (lie) => {
      await using node = await sharing(redis.url);
      await redis.client.set(KEY, lie);
      expect(await takeMany(node, SLOW, "k", 20)).toBe(10);
      expect(node.isShared()).toBe(true);
    },
  );

  test("of another type counts as a full bucket, and is replaced", async () => {
    await using node = await sharing(redis.url);
    await redis.client.rpush(KEY, "1", "2");
    expect(await takeMany(node, SLOW, "k", 20)).toBe(10);
    expect(await redis.client.type(KEY)).toBe("string");
  });

  test.each(["inf", "1e300", "9".repeat(40)])("of a time that no bucket reaches, %p, costs a wait with a bound", async (lie) => {
    await using node = await sharing(redis.url);
    await redis.client.set(KEY, lie);
    const { allowed, resetMs, retryAfterMs } = await node.buckets.take(SLOW, "k");
    expect(allowed).toBe(false);
    expect(resetMs).toBeLessThanOrEqual(10 * 3_600_000 + DEBT_MS_MAX + 1);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000 + DEBT_MS_MAX + 1);
    expect(node.isShared()).toBe(true);
  });
});

test("what is no Redis at all but answers like one is not believed", async () => {
  const liar = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket, data) => void socket.write(answerTo(data.toString())) },
  });
  try {
    await using node = openNode(`redis://127.0.0.1:${liar.port}`);
    await until(() => node.turns.length > 0);
    expect(node.turns[0]).toMatchObject({ shared: false, reason: expect.stringContaining("what no bucket holds") });
    expect(await takeMany(node, SLOW, "k", 20)).toBe(10);
  } finally {
    liar.stop(true);
  }
});

/** Granted to everybody, a million times over. */
function answerTo(commands: string): string {
  const replies = commands.split(/(?=\*\d+\r\n)/).map((command) => {
    if (/evalsha/i.test(command)) return "*3\r\n:1000000\r\n:-7\r\n:0\r\n";
    return /info/i.test(command) ? "$7\r\nloading\r\n" : "+OK\r\n";
  });
  return replies.join("");
}
