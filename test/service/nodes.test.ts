import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ServiceNode } from "../../chaos/node";
import { openReceiver } from "../recovery/receiver";
import { type TestNats, startNatsServer } from "../servers/natsServer";
import { onDatabase, startPostgres, type TestPostgres } from "../servers/postgres";
import { until } from "../until";

const PARTITIONS = 4;
const TAKEN = () => ({ status: 204, delayMs: 0 });

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres[Symbol.asyncDispose]());

/** Nodes on a database and a broker of their own. */
class Crew implements AsyncDisposable {
  readonly #nodes: ServiceNode[] = [];

  private constructor(
    private readonly databaseUrl: string,
    private readonly nats: TestNats,
  ) {}

  static async gather(): Promise<Crew> {
    return new Crew(await postgres.createDatabase(), await startNatsServer({ partitions: PARTITIONS }));
  }

  async prepare(name: string, roles?: string): Promise<ServiceNode> {
    const { databaseUrl, nats } = this;
    const node = await ServiceNode.prepare({ name, databaseUrl, natsUrls: [nats.url], partitions: PARTITIONS, roles });
    this.#nodes.push(node);
    return node;
  }

  async start(name: string, roles?: string): Promise<ServiceNode> {
    const node = await this.prepare(name, roles);
    await node.start();
    return node;
  }

  /** How many partitions each owner has in a role. */
  async shares(role: string): Promise<number[]> {
    const owners = await onDatabase(this.databaseUrl, (client) =>
      client.query<{ count: number }>(
        "select count(*)::int as count from partitions where role = $1 and owner is not null group by owner order by 1",
        [role],
      ),
    );
    return owners.rows.map(({ count }) => count);
  }

  /** Who holds each partition in a role, and under which epoch. */
  async held(role: string): Promise<{ owner: string; epoch: number }[]> {
    const found = await onDatabase(this.databaseUrl, (client) =>
      client.query<{ owner: string; epoch: number }>("select owner, epoch from partitions where role = $1 order by partition", [role]),
    );
    return found.rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node[Symbol.asyncDispose]();
    await postgres.dropDatabase(this.databaseUrl);
    await this.nats.stop();
  }
}

function report(node: ServiceNode, sensorId: string, status: string): Promise<Response> {
  return node.api(`/v1/sensors/${sensorId}/reports`, { method: "POST", body: JSON.stringify({ status }) });
}

describe("many nodes on one database and one broker", () => {
  test("each does what its roles say: reports come in at one, become changes at another and webhooks at a third", async () => {
    await using crew = await Crew.gather();
    const http = await crew.start("http", "http");
    const [ingest, notify] = await Promise.all([crew.start("ingest", "ingest"), crew.start("notify", "notify")]);
    await using receiver = await openReceiver({ filter: { initial: true }, answer: TAKEN, api: (path, init) => http.api(path, init) });
    const ids = Array.from({ length: 40 }, (_, index) => `boiler-${index}`);
    for (const id of ids) expect((await report(http, id, "hot")).status).toBe(202);
    await until(() => receiver.count() === ids.length, "the webhooks do not come");
    expect(receiver.arrivals().every(({ signatureValid }) => signatureValid)).toBe(true);
    for (const node of [ingest, notify]) {
      expect((await node.api("/livez")).status).toBe(200);
      expect((await node.api("/metrics")).status).toBe(200);
      expect((await node.api("/v1/sensors")).status).toBe(404);
    }
    // An edit made here holds there at once, and without waiting for a change.
    const disabled = await http.api(`/v1/webhooks/${receiver.webhookId}`, { method: "PATCH", body: JSON.stringify({ state: "disabled" }) });
    expect(disabled.status).toBe(200);
  });

  test("a node that was frozen beyond its leases and woken commits nothing under them, and takes its share again", async () => {
    await using crew = await Crew.gather();
    const [one, other] = await Promise.all([crew.start("one"), crew.start("other")]);
    const shared = async () => String(await crew.shares("ingest")) === "2,2" && String(await crew.shares("notify")) === "2,2";
    await until(shared, "the partitions are not shared out");
    await using receiver = await openReceiver({ filter: { initial: true }, answer: TAKEN, api: (path, init) => other.api(path, init) });
    const before = await crew.held("ingest");
    one.freeze();
    await until(async () => String(await crew.shares("ingest")) === "4", "nobody takes over");
    const [heir] = await crew.held("ingest");
    const ids = Array.from({ length: 40 }, (_, index) => `pump-${index}`);
    for (const id of ids) expect((await report(other, id, "hot")).status).toBe(202);
    await until(() => receiver.count() === ids.length, "the webhooks do not come");
    one.thaw();
    await until(shared, "the share is not taken again");
    const after = await crew.held("ingest");
    // Those that moved there and back were won twice; nobody went on under an old epoch.
    const moved = before.flatMap(({ owner, epoch }, partition) => (owner === heir?.owner ? [] : [(after[partition]?.epoch ?? 0) - epoch]));
    expect(moved).toHaveLength(2);
    expect(Math.min(...moved)).toBeGreaterThanOrEqual(2);
    for (const id of ids) expect((await report(one, id, "ok")).status).toBe(202);
    await until(() => receiver.count() === 2 * ids.length, "the webhooks do not come");
    const revisions = Map.groupBy(receiver.arrivals(), ({ body }) => (JSON.parse(body) as { data: { sensorId: string } }).data.sensorId);
    for (const arrivals of revisions.values()) {
      expect(arrivals.map(({ body }) => (JSON.parse(body) as { data: { revision: number } }).data.revision)).toEqual([1, 2]);
    }
    expect(one.crashes).toEqual([]);
  });

  test("while a start waits for the database, /livez answers and /readyz says that it starts", async () => {
    await using crew = await Crew.gather();
    const node = await crew.prepare("early");
    node.link("postgres", "cut");
    node.launch();
    const answers = async (path: string, status: number) => {
      const answer = await node.api(path).catch(() => null);
      return answer?.status === status;
    };
    await until(() => answers("/livez", 200), "nobody listens");
    expect(await (await node.api("/readyz")).json()).toMatchObject({ status: 503, detail: "It is starting." });
    node.link("postgres", "open");
    await until(() => answers("/readyz", 200), "it does not become ready", 60_000);
    expect(node.startsAgain).toBe(0);
  });
});
