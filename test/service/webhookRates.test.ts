import { afterAll, beforeAll, expect, test } from "bun:test";
import { ServiceNode } from "../../chaos/node";
import { partitionOf } from "../../src/domain/sensor";
import { excess, quickest } from "../cache/rateSenders";
import { openReceiver, type Receiver } from "../recovery/receiver";
import { type TestNats, startNatsServer } from "../servers/natsServer";
import { onDatabase, startPostgres, type TestPostgres } from "../servers/postgres";
import { startRedis, type TestRedis } from "../servers/redis";
import { until } from "../until";

const PARTITIONS = 4;
const START_MS = 60_000;
const TEST_MS = 120_000;
const IN_TIME_MS = 60_000;
/** Of nodes and a receiver that wait for a processor: what was sent apart may come together. */
const TOGETHER = 10;

let postgres: TestPostgres;
let nats: TestNats;
let redis: TestRedis;
let databaseUrl: string;
let nodes: readonly [ServiceNode, ServiceNode];
beforeAll(async () => {
  [postgres, redis, nats] = await Promise.all([startPostgres(), startRedis(), startNatsServer({ partitions: PARTITIONS })]);
  databaseUrl = await postgres.createDatabase();
  const prepare = (name: string) =>
    ServiceNode.prepare({ name, databaseUrl, natsUrls: [nats.url], partitions: PARTITIONS, redisUrl: redis.url });
  nodes = [await prepare("one"), await prepare("other")];
  await Promise.all(nodes.map((node) => node.start()));
  await until(async () => String(await owned()) === "2,2", "the partitions are not shared out", START_MS);
}, START_MS);
afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await nats.stop();
});

/** How many partitions each node sends from. */
async function owned(): Promise<number[]> {
  const text = "select count(*)::int as count from partitions where role = 'notify' and owner is not null group by owner order by 1";
  const { rows } = await onDatabase(databaseUrl, (client) => client.query<{ count: number }>(text));
  return rows.map(({ count }) => count);
}

/** When attempts at a webhook began, as the nodes wrote it down. */
async function attemptsAt({ webhookId }: Receiver): Promise<number[]> {
  const text = "select at from attempts join deliveries on deliveries.id = delivery_id where webhook_id = $1 order by at";
  const { rows } = await onDatabase(databaseUrl, (client) => client.query<{ at: string }>(text, [webhookId]));
  return rows.map(({ at }) => Number(at));
}

async function metric(node: ServiceNode, name: string): Promise<string | null> {
  const text = await (await node.api("/metrics")).text();
  return new RegExp(`^tocsin_${name} (.*)$`, "m").exec(text)?.[1] ?? null;
}

const shared = async (wanted: "0" | "1") => {
  const told = await Promise.all(nodes.map((node) => metric(node, "webhook_rates_shared")));
  return told.every((each) => each === wanted);
};

function rated(sensorIds: readonly string[], ratePerSecond: number | null): Promise<Receiver> {
  const answer = () => ({ status: 204, delayMs: 0 });
  const filter = { initial: true, sensorIds: [...sensorIds] };
  return openReceiver({ filter, settings: { ratePerSecond }, answer, api: (path, init) => nodes[0].api(path, init) });
}

/** Each of the sensors changes once more. */
async function change(sensorIds: readonly string[], round: number): Promise<void> {
  const reports = sensorIds.map((sensorId) => ({ sensorId, status: `s${round}`, severity: "warning" }));
  const { status } = await nodes[1].api("/v1/reports", { method: "POST", body: JSON.stringify(reports) });
  expect(status).toBeLessThan(300);
}

/** Of a partition, or of all. */
function sensors(name: string, count: number, partition: number | null = null): string[] {
  const ids: string[] = [];
  for (let n = 0; ids.length < count; n += 1) {
    if (partition === null || partitionOf(`${name}-${n}`, PARTITIONS) === partition) ids.push(`${name}-${n}`);
  }
  return ids;
}

/** Each sensor's revisions, as they first came. */
function lanes(receiver: Receiver): number[][] {
  const seen = new Map<string, number[]>();
  for (const { body } of receiver.arrivals()) {
    const { sensorId, revision } = (JSON.parse(body) as { data: { sensorId: string; revision: number } }).data;
    const revisions = seen.get(sensorId) ?? [];
    seen.set(sensorId, revisions);
    if (!revisions.includes(revision)) revisions.push(revision);
  }
  return [...seen.values()];
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test(
  "nodes send a webhook's rate together, and no more",
  async () => {
    await until(() => shared("1"), "the rates are not shared");
    const ids = sensors("both", 40);
    await using receiver = await rated(ids, 50);
    const before = await Promise.all(nodes.map((node) => metric(node, 'delivery_attempts_total\\{outcome="delivered"\\}')));
    for (let round = 1; round <= 5; round += 1) await change(ids, round);
    await until(() => receiver.count() >= 200, "the webhooks do not come", IN_TIME_MS);
    await until(async () => (await attemptsAt(receiver)).length === 200);
    expect(excess(await attemptsAt(receiver), 50)).toBeLessThanOrEqual(TOGETHER);
    const arrivals = receiver.arrivals().map(({ at }) => at);
    expect(excess(arrivals, 50)).toBeLessThanOrEqual(2 * TOGETHER);
    expect(lanes(receiver)).toEqual(ids.map(() => upTo(5)));
    const after = await Promise.all(nodes.map((node) => metric(node, 'delivery_attempts_total\\{outcome="delivered"\\}')));
    for (const [node, count] of after.entries()) expect(Number(count) - Number(before[node] ?? 0)).toBeGreaterThan(50);
  },
  TEST_MS,
);

test(
  "a webhook whose sensors all lie in one partition gets all of its rate",
  async () => {
    await until(() => shared("1"), "the rates are not shared");
    const ids = sensors("one-sided", 20, 2);
    await using receiver = await rated(ids, 20);
    for (let round = 1; round <= 5; round += 1) await change(ids, round);
    await until(async () => (await attemptsAt(receiver)).length === 100, "the webhooks do not come", IN_TIME_MS);
    const at = await attemptsAt(receiver);
    expect(excess(at, 20)).toBeLessThanOrEqual(TOGETHER);
    // Its node's part alone is ten a second.
    expect(quickest(at, 40)).toBeGreaterThan(12);
    expect(lanes(receiver)).toEqual(ids.map(() => upTo(5)));
  },
  TEST_MS,
);

test(
  "a Redis that hangs, is emptied and dies makes nobody send more, loses nothing and holds up nobody else",
  async () => {
    await until(() => shared("1"), "the rates are not shared");
    const [ids, otherIds] = [sensors("outage", 40), sensors("unrated", 20)];
    await using receiver = await rated(ids, 50);
    await using unrated = await rated(otherIds, null);
    let round = 0;
    let over = false;
    const changing = (async () => {
      for (; !over; await Bun.sleep(20)) if (receiver.count() > 40 * round - 100) await change(ids, (round += 1));
    })();
    const more = async (count: number) => {
      const before = receiver.count();
      await until(() => receiver.count() >= before + count, "no more webhooks come", IN_TIME_MS);
    };
    try {
      await more(50);
      redis.freeze();
      await change(otherIds, 1);
      await until(() => unrated.count() === otherIds.length, "a webhook without a rate waits for Redis");
      await until(() => shared("0"), "nobody says that Redis hangs");
      for (const node of nodes) expect(node.output()).toContain("rates.divided");
      await more(50);
      redis.thaw();
      await until(() => shared("1"), "the rates are not shared again", IN_TIME_MS);
      await more(50);
      await redis.client.flushall();
      await more(100);
      await redis.kill();
      await until(() => shared("0"), "nobody says that Redis is gone");
      await more(50);
      await redis.start();
      await until(() => shared("1"), "the rates are not shared again", IN_TIME_MS);
      await more(50);
    } finally {
      over = true;
      await changing;
      redis.thaw();
    }
    await until(() => receiver.count() >= 40 * round, "something is lost", IN_TIME_MS);
    await until(async () => (await attemptsAt(receiver)).length >= 40 * round);
    expect(excess(await attemptsAt(receiver), 50)).toBeLessThanOrEqual(TOGETHER);
    expect(lanes(receiver)).toEqual(ids.map(() => upTo(round)));
    for (const node of nodes) expect(node.crashes).toEqual([]);
  },
  TEST_MS,
);
