import { expect, test } from "bun:test";
import { ServiceNode } from "../../chaos/node";
import { startNatsServer } from "../servers/natsServer";
import { onDatabase, startPostgres } from "../servers/postgres";
import { startTocsin } from "../servers/tocsin";
import { until } from "../until";

const PARTITIONS = 4;
const STATUS = "door.open";
/** Enough that each partition has some. */
const SENSORS = Array.from({ length: 16 }, (_, index) => `door-${index}`);

/** A node, as far as a caller of its API sees it. */
interface Asked {
  api(path: string, init?: RequestInit): Promise<Response>;
}

async function report(node: Asked, status: string): Promise<void> {
  for (const id of SENSORS) {
    const answer = await node.api(`/v1/sensors/${id}/reports`, { method: "POST", body: JSON.stringify({ status }) });
    expect(answer.status).toBe(202);
  }
}

async function edit(node: Asked, severity: string): Promise<void> {
  const answer = await node.api(`/v1/statuses/${STATUS}`, { method: "PUT", body: JSON.stringify({ severity }) });
  expect(answer.status).toBeLessThan(300);
}

/** Severities of each sensor's changes, by how often each row of them occurs, once every sensor has so many. */
async function severities(node: Asked, count: number): Promise<string[]> {
  const rows = async () => {
    const lists = SENSORS.map(async (id) => {
      const { items = [] } = (await (await node.api(`/v1/sensors/${id}/changes`)).json()) as { items?: { to: { severity: string } }[] };
      return items.map(({ to }) => to.severity);
    });
    return Promise.all(lists);
  };
  let found: string[][] = [];
  await until(async () => {
    found = await rows();
    return found.every((row) => row.length >= count);
  }, "the changes do not come");
  return [...new Set(found.map((row) => row.join(" ")))];
}

test("on SQLite a report that is made after an edit of the catalogue was answered has the new severity, and none from before has", async () => {
  await using tocsin = await startTocsin();
  await report(tocsin, STATUS);
  expect(await severities(tocsin, 1)).toEqual(["unknown"]);
  for (const [index, severity] of ["warning", "critical", "ok"].entries()) {
    await edit(tocsin, severity);
    await report(tocsin, STATUS);
    // What waits to be decided when the next edit comes is decided on that.
    await severities(tocsin, index + 2);
  }
  expect(await severities(tocsin, 4)).toEqual(["unknown warning critical ok"]);
  expect((await tocsin.api(`/v1/statuses/${STATUS}`, { method: "DELETE" })).status).toBe(204);
  await tocsin.kill();
  await tocsin.start();
  await report(tocsin, STATUS);
  expect(await severities(tocsin, 5)).toEqual(["unknown warning critical ok unknown"]);
});

test("on Postgres it has so on every node, whichever one the edit was made at, and whatever the others remembered", async () => {
  await using postgres = await startPostgres();
  const databaseUrl = await postgres.createDatabase();
  const nats = await startNatsServer({ partitions: PARTITIONS });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => nats.stop());
  const start = async (name: string) => {
    const node = stack.use(await ServiceNode.prepare({ name, databaseUrl, natsUrls: [nats.url], partitions: PARTITIONS }));
    await node.start();
    return node;
  };
  const [one, other] = await Promise.all([start("one"), start("other")]);
  const owners = () =>
    onDatabase(databaseUrl, (client) =>
      client.query<{ owner: string }>("select distinct owner from partitions where role = 'ingest' and owner is not null"),
    );
  await until(async () => (await owners()).rows.length === 2, "the partitions are not shared out");
  await report(one, STATUS);
  expect(await severities(one, 1)).toEqual(["unknown"]);
  await edit(one, "warning");
  await report(other, STATUS);
  expect(await severities(one, 2)).toEqual(["unknown warning"]);
  await edit(other, "critical");
  await report(one, STATUS);
  expect(await severities(other, 3)).toEqual(["unknown warning critical"]);
  // A node takes over partitions in which the catalogue was edited under somebody else.
  await other.stop();
  await report(one, "ok");
  expect(await severities(one, 4)).toEqual(["unknown warning critical ok"]);
  await report(one, STATUS);
  expect(await severities(one, 5)).toEqual(["unknown warning critical ok critical"]);
}, 120_000);
