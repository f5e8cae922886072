import { afterAll, beforeAll, expect, test } from "bun:test";
import { ServiceNode } from "../../chaos/node";
import { EventStream } from "../live/eventStream";
import { startNatsServer, type TestNats } from "../servers/natsServer";
import { startPostgres, type TestPostgres } from "../servers/postgres";
import { ADMIN_TOKEN, startTocsin } from "../servers/tocsin";
import { until } from "../until";

const PARTITIONS = 4;
const TEST_MS = 240_000;

let postgres: TestPostgres;
let nats: TestNats;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNatsServer({ partitions: PARTITIONS })]);
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
  await nats.stop();
});

type Api = Pick<ServiceNode, "httpUrl" | "api">;

function watch({ httpUrl }: Api, lastEventId?: string): Promise<EventStream> {
  return EventStream.open(`${httpUrl}/v1/changes/live`, { token: ADMIN_TOKEN, lastEventId });
}

async function report(node: Pick<Api, "api">, sensorId: string, status: string): Promise<void> {
  const answer = await node.api(`/v1/sensors/${sensorId}/reports`, { method: "POST", body: JSON.stringify({ status }) });
  expect(answer.status).toBe(202);
}

/** Every sensor's changes in their order, each once, and all of them there. */
function expectWhole(streams: readonly EventStream[], sensors: readonly string[], revisions: number): void {
  const bySensor = Map.groupBy(
    streams.flatMap((stream) => stream.changes()),
    ({ sensorId }) => sensorId,
  );
  const wanted = Array.from({ length: revisions }, (_, index) => index + 1);
  for (const sensor of sensors) expect([sensor, bySensor.get(sensor)?.map(({ revision }) => revision)]).toEqual([sensor, wanted]);
}

const SENSORS = Array.from({ length: 20 }, (_, index) => `boiler-${index}`);

test(
  "a stream goes on where it was after a kill -9 of the only node, with what was recorded in between",
  async () => {
    await using tocsin = await startTocsin();
    const node = { httpUrl: tocsin.httpUrl, api: (path: string, init?: RequestInit) => tocsin.api(path, init) };
    const before = await watch(node);
    for (const status of ["hot", "ok"]) for (const sensor of SENSORS) await report(node, sensor, status);
    await before.holds(20);
    await tocsin.kill();
    await before.end();
    expect(before.last()?.event).toBe("change");
    await tocsin.start();
    for (const sensor of SENSORS) await report(node, sensor, "hot");
    await using after = await watch(node, before.lastEventId);
    await until(() => before.changes().length + after.changes().length >= 3 * SENSORS.length, "changes are missing");
    expectWhole([before, after], SENSORS, 3);
  },
  TEST_MS,
);

test(
  "a stream stays while the database is away, twice, and goes on with all that was recorded",
  async () => {
    await using own = await startPostgres();
    const broker = await startNatsServer({ partitions: PARTITIONS });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => broker.stop());
    const databaseUrl = await own.createDatabase();
    const node = stack.use(await ServiceNode.prepare({ name: "one", databaseUrl, natsUrls: [broker.url], partitions: PARTITIONS }));
    await node.start();
    await using all = await watch(node);
    await using some = await EventStream.open(`${node.httpUrl}/v1/changes/live?to=hot&to=ok`, { token: ADMIN_TOKEN });
    for (const [round, status] of ["hot", "ok", "hot"].entries()) {
      for (const sensor of SENSORS) await report(node, sensor, status);
      await all.holds((round + 1) * SENSORS.length);
      if (round === 2) break;
      await own.down();
      // Somebody who comes back meanwhile waits for the table; reports are the broker's to keep.
      const waiting = await watch(node, all.events[0]?.id);
      await until(async () => (await fetch(`${node.httpUrl}/readyz`)).status === 503, "the database is not missed");
      await waiting.close();
      expect([all.ended, some.ended]).toEqual([false, false]);
      await own.up();
      await until(async () => (await fetch(`${node.httpUrl}/readyz`)).status === 200, "the node does not recover");
    }
    await some.holds(3 * SENSORS.length);
    await using late = await watch(node, all.events[0]?.id);
    await late.holds(3 * SENSORS.length - 1);
    expectWhole([all], SENSORS, 3);
    expectWhole([some], SENSORS, 3);
    expect(late.changeIds().toSorted()).toEqual(all.changeIds().slice(1).toSorted());
    expect([all, some, late].map((stream) => stream.events.some(({ event }) => event !== "change"))).toEqual([false, false, false]);
    expect(node.crashes).toEqual([]);
  },
  TEST_MS,
);

test(
  "a stream goes on at another node, and a node that ends says so",
  async () => {
    const databaseUrl = await postgres.createDatabase();
    const prepare = (name: string, roles?: string) =>
      ServiceNode.prepare({ name, databaseUrl, natsUrls: [nats.url], partitions: PARTITIONS, roles });
    try {
      await using one = await prepare("one", "http");
      await using other = await prepare("other");
      await Promise.all([one.start(), other.start()]);
      const first = await watch(one);
      await using beside = await watch(other);
      for (const sensor of SENSORS) await report(other, sensor, "hot");
      await first.holds(SENSORS.length);
      for (const sensor of SENSORS) await report(other, sensor, "ok");
      const stopping = one.stop();
      await first.end();
      expect(first.last()?.event).toBe("shutdown");
      await stopping;
      const second = await watch(other, first.lastEventId);
      for (const sensor of SENSORS) await report(other, sensor, "hot");
      await until(() => first.changes().length + second.changes().length >= 3 * SENSORS.length, "changes are missing");
      await beside.holds(3 * SENSORS.length);
      expectWhole([first, second], SENSORS, 3);
      expectWhole([beside], SENSORS, 3);
      // Cut off from the broker no hint comes, and it looks by itself.
      await one.start();
      one.link("nats", "cut");
      await using deaf = await watch(one, second.lastEventId);
      for (const sensor of SENSORS) await report(other, sensor, "cold");
      await deaf.holds(SENSORS.length);
      expect(new Set(deaf.changes().map(({ to }) => to.status))).toEqual(new Set(["cold"]));
      await second.close();
      expect([...one.crashes, ...other.crashes]).toEqual([]);
    } finally {
      await postgres.dropDatabase(databaseUrl);
    }
  },
  TEST_MS,
);
