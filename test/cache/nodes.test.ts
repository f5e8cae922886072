import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ServiceNode } from "../../chaos/node";
import { type TestNats, startNatsServer } from "../servers/natsServer";
import { startPostgres, type TestPostgres } from "../servers/postgres";
import { startRedis, type TestRedis } from "../servers/redis";
import { until } from "../until";

const PARTITIONS = 4;
const PASSWORD = "not-to-be-read-anywhere";
const TEST_MS = 180_000;
const START_MS = 60_000;

let postgres: TestPostgres;
let nats: TestNats;
let redis: TestRedis;
beforeAll(async () => {
  [postgres, redis, nats] = await Promise.all([startPostgres(), startRedis(), startNatsServer({ partitions: PARTITIONS })]);
}, START_MS);
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await nats.stop();
});

interface Sensor {
  readonly name: string;
  readonly version: number;
  readonly state: { readonly status: string | null; readonly revision: number };
}

async function send(node: ServiceNode, method: string, path: string, body: unknown): Promise<Response> {
  const response = await node.api(path, { method, body: JSON.stringify(body) });
  expect({ path, status: response.status, ok: response.ok }).toMatchObject({ path, ok: true });
  return response;
}

async function sensorAt(node: ServiceNode, id: string): Promise<Sensor> {
  return (await (await node.api(`/v1/sensors/${id}`)).json()) as Sensor;
}

async function metric(node: ServiceNode, name: string): Promise<number> {
  const text = await (await node.api("/metrics")).text();
  const line = text.split("\n").find((each) => each.startsWith(`tocsin_cache_${name} `));
  return Number(line?.split(" ")[1] ?? 0);
}

async function redisAt(node: ServiceNode): Promise<{ status: number; redis: { up: boolean; needed: boolean } | undefined }> {
  const response = await node.api("/readyz");
  const { dependencies } = (await response.json()) as { dependencies: { name: string; up: boolean; needed: boolean }[] };
  return { status: response.status, redis: dependencies.find(({ name }) => name === "redis") };
}

/** An edit at each node by turns is seen at the other, and here, by the next who asks. */
async function editByTurns(nodes: readonly [ServiceNode, ServiceNode], { id, times }: { id: string; times: number }): Promise<void> {
  for (let turn = 0; turn < times; turn += 1) {
    for (const node of nodes) await sensorAt(node, id);
    const name = crypto.randomUUID();
    await send(nodes[turn % 2] as ServiceNode, "PATCH", `/v1/sensors/${id}`, { name });
    for (const node of nodes) expect(await sensorAt(node, id)).toMatchObject({ name });
  }
}

describe("nodes that share a Redis", () => {
  test(
    "show edits at once and states in order, with it, without it and when it is back; and keep its password to themselves",
    async () => {
      const databaseUrl = await postgres.createDatabase();
      const admit = () => redis.client.call("ACL", "SETUSER", "tocsin", "on", `>${PASSWORD}`, "~*", "&*", "+@all");
      await admit();
      const redisUrl = `redis://tocsin:${PASSWORD}@127.0.0.1:${redis.port}`;
      const prepare = (name: string) => ServiceNode.prepare({ name, databaseUrl, natsUrls: [nats.url], partitions: PARTITIONS, redisUrl });
      await using one = await prepare("one");
      await using other = await prepare("other");
      await Promise.all([one.start(), other.start()]);
      const nodes = [one, other] as const;
      await send(one, "POST", "/v1/sensors", { id: "boiler" });

      await editByTurns(nodes, { id: "boiler", times: 20 });
      let revision = 0;
      for (const status of ["ok", "hot", "ok", "hot", "ok"]) {
        await send(one, "POST", "/v1/sensors/boiler/reports", { status });
        for (const node of nodes) {
          await until(async () => {
            const { state } = await sensorAt(node, "boiler");
            expect(state.revision).toBeGreaterThanOrEqual(revision);
            return state.status === status;
          }, `${node.name} does not see ${status}`);
        }
        revision += 1;
        expect((await sensorAt(other, "boiler")).state.revision).toBe(revision);
      }
      expect(await metric(one, 'reads_total{outcome="hit"}')).toBeGreaterThan(0);
      expect(await redisAt(one)).toMatchObject({ status: 200, redis: { up: true, needed: false } });

      await redis.kill();
      await until(async () => !(await redisAt(other)).redis?.up);
      expect((await redisAt(other)).status).toBe(200);
      await editByTurns(nodes, { id: "boiler", times: 3 });
      expect(await metric(one, "edit_waits_total")).toBeGreaterThan(0);

      // It knows nobody of that password any more.
      await redis.start();
      await editByTurns(nodes, { id: "boiler", times: 2 });
      await admit();
      for (const node of nodes) await until(async () => (await redisAt(node)).redis?.up === true, "it is not reached again");
      const hits = await metric(other, 'reads_total{outcome="hit"}');
      await editByTurns(nodes, { id: "boiler", times: 20 });
      await until(async () => {
        await sensorAt(other, "boiler");
        return (await metric(other, 'reads_total{outcome="hit"}')) > hits;
      });
      for (const node of nodes) {
        expect(await metric(node, "drift_total")).toBe(0);
        expect(await metric(node, 'lies_total{kind="forged"}')).toBe(0);
        expect(node.output()).toContain("redis does not answer");
        expect(node.output()).not.toContain(PASSWORD);
      }
    },
    TEST_MS,
  );
});
