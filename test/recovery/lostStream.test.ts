import { expect, test } from "bun:test";
import { type JetStreamClient, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import Database from "better-sqlite3";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { collectEvidence } from "../ledger/collect";
import type { Acknowledgement, Evidence } from "../ledger/evidence";
import { startNatsServer, type TestNats } from "../servers/natsServer";
import { isReady, startTocsin, type TocsinProcess } from "../servers/tocsin";
import { openReceiver, type Receiver } from "./receiver";
import { settled } from "./settled";

const SETTLE_MS = 60_000;
const STREAM = "REPORTS_1_0";
const SENSOR = "boiler-7";

/** A service beside a broker that can be taken away from it, and one sensor of which every report is a change. */
class Scene implements AsyncDisposable {
  readonly acknowledged: Acknowledgement[] = [];
  #said = 0;

  private constructor(
    readonly nats: TestNats,
    readonly tocsin: TocsinProcess,
    readonly receiver: Receiver,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async open(): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNatsServer());
    const env = { NATS_URL: nats.url, PARTITIONS: "1", LOG_LEVEL: "silent" };
    const tocsin = stack.use(await startTocsin({ env }));
    const answer = () => ({ status: 204, delayMs: 0 });
    const receiver = stack.use(await openReceiver({ api: tocsin.api.bind(tocsin), filter: { initial: true }, answer }));
    return new Scene(nats, tocsin, receiver, stack.move());
  }

  /** Over HTTP, each one until it is acknowledged: while a stream is made anew the service tells senders to come back. */
  async report(count: number): Promise<void> {
    await this.ready();
    for (let index = 0; index < count; index += 1) {
      const { reportId, body } = this.#next();
      const send = () => this.tocsin.api(`/v1/sensors/${SENSOR}/reports`, { method: "POST", body });
      let response = await send();
      for (; response.status === 503; response = await send()) await this.ready();
      expect(response.status).toBe(202);
      const { sequence } = (await response.json()) as { sequence: number };
      this.#keep(reportId, sequence);
    }
  }

  /** Straight to the broker, where no Tocsin need be. */
  async publish(count: number): Promise<void> {
    await this.withStreams(async (_, publisher) => {
      for (let index = 0; index < count; index += 1) {
        const { reportId, body } = this.#next();
        const { seq, duplicate } = await publisher.publish(`sensors.${SENSOR}.status`, body);
        expect(duplicate).toBe(false);
        this.#keep(reportId, seq);
      }
    });
  }

  async withStreams(act: (api: JetStreamManager, publisher: JetStreamClient) => Promise<void>): Promise<void> {
    const connection = await connect({ servers: this.nats.url });
    try {
      const api = await jetstreamManager(connection);
      await act(api, api.jetstream());
    } finally {
      await connection.close();
    }
  }

  async ready(): Promise<void> {
    while (!(await isReady(this.tocsin.httpUrl))) await Bun.sleep(20);
  }

  /** Until all that was acknowledged is in the log, whatever the sequences, and nothing is owed any more. */
  async settled(): Promise<void> {
    const database = new Database(this.tocsin.dbFile, { readonly: true });
    const logged = () => database.prepare("SELECT count(*) FROM reports").pluck().get() as number;
    const deadline = performance.now() + SETTLE_MS;
    while (logged() < this.acknowledged.length) {
      if (performance.now() > deadline) throw new Error(`of ${this.acknowledged.length} acknowledged reports ${logged()} are in the log`);
      await Bun.sleep(20);
    }
    database.close();
    await settled(this.tocsin.dbFile, [], SETTLE_MS);
  }

  async evidence(): Promise<Evidence> {
    const sources = { database: this.tocsin.dbFile, natsUrls: [this.nats.url], partitions: 1 };
    return collectEvidence(sources, { acknowledged: this.acknowledged, arrivals: this.receiver.arrivals() });
  }

  /** The kinds that the API tells of, oldest first, and how many the metric counts since the process was started. */
  async incidents(): Promise<{ told: string[]; counted: number }> {
    const { items } = (await (await this.tocsin.api("/v1/incidents")).json()) as { items: { kind: string; partition: number }[] };
    const metrics = await (await fetch(`${this.tocsin.httpUrl}/metrics`)).text();
    const counted = [...metrics.matchAll(/^tocsin_incidents_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    return { told: items.map(({ kind }) => kind).reverse(), counted };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }

  #next(): { reportId: string; body: string } {
    this.#said += 1;
    const reportId = `m-${this.#said}`;
    return { reportId, body: JSON.stringify({ status: `s${this.#said}`, id: reportId }) };
  }

  #keep(reportId: string, sequence: number): void {
    this.acknowledged.push({ sensorId: SENSOR, reportId, by: "puback", at: Date.now(), partition: 0, sequence });
  }
}

/** Nothing that was acknowledged is missing or doubled, anywhere, and everything has its order. */
function expectAllOnce({ log, acknowledged, changes, published, arrivals }: Evidence): void {
  const inOrder = acknowledged.map(({ reportId }) => reportId);
  const logged = log.toSorted((a, b) => a.generation - b.generation || a.sequence - b.sequence);
  expect(logged.map(({ reportId }) => reportId)).toEqual(inOrder);
  expect(new Set(logged.map(({ disposition }) => disposition))).toEqual(new Set(["applied"]));
  const numbers = inOrder.map((_, index) => index + 1);
  expect(changes.map(({ number }) => number).sort((a, b) => a - b)).toEqual(numbers);
  const sent = published.map(({ msgId }) => Number(msgId.split(":")[1]));
  expect(sent).toEqual(numbers.slice(numbers.length - sent.length));
  expect(arrivals.map(({ body }) => JSON.parse(body).data.revision)).toEqual(numbers);
}

test.each(["runs on", "is stopped meanwhile"])(
  "an older copy of the broker's store is put back while Tocsin %s: an incident, a new generation, and nothing lost or doubled",
  async (how) => {
    await using scene = await Scene.open();
    const { nats, tocsin } = scene;
    const [store, copy] = [join(nats.storeDir, "jetstream"), join(nats.storeDir, "copy")];
    await scene.report(20);
    await scene.settled();
    await nats.down();
    cpSync(store, copy, { recursive: true });
    await nats.up();
    await scene.report(20);
    await scene.settled();

    if (how !== "runs on") await tocsin.stop();
    await nats.down();
    rmSync(store, { recursive: true });
    cpSync(copy, store, { recursive: true });
    await nats.up();
    await scene.publish(5);
    if (how !== "runs on") await tocsin.start();
    await scene.report(20);
    await scene.settled();

    const evidence = await scene.evidence();
    expectAllOnce(evidence);
    expect(evidence.published).toHaveLength(65);
    expect(evidence.partitions).toMatchObject([{ generation: 2 }]);
    const perGeneration = Object.groupBy(evidence.log, ({ generation }) => generation);
    expect([perGeneration[1]?.length, perGeneration[2]?.length]).toEqual([40, 25]);
    expect(await scene.incidents()).toEqual({ told: ["stream.recreated"], counted: 1 });
  },
);

test("streams that are deleted under a running service are made anew, and what is reported then is taken", async () => {
  await using scene = await Scene.open();
  await scene.report(10);
  await scene.settled();
  await scene.withStreams(async (api) => {
    for (const name of [STREAM, "CHANGES_1_0", "STRAYS"]) await api.streams.delete(name);
  });
  await scene.report(10);
  await scene.settled();
  const evidence = await scene.evidence();
  expectAllOnce(evidence);
  expect(evidence.published).toHaveLength(10);
  expect(evidence.partitions).toMatchObject([{ generation: 2 }]);
  expect(await scene.incidents()).toEqual({ told: ["stream.recreated"], counted: 1 });
});

test("a stream that is purged of what was taken in costs nothing, and goes on in the same generation", async () => {
  await using scene = await Scene.open();
  await scene.report(10);
  await scene.settled();
  await scene.withStreams(async (api) => void (await api.streams.purge(STREAM)));
  await scene.report(10);
  await scene.settled();
  const evidence = await scene.evidence();
  expectAllOnce(evidence);
  expect(evidence.partitions).toMatchObject([{ generation: 1 }]);
  expect(await scene.incidents()).toEqual({ told: [], counted: 0 });
});

test("a stream that lost what was not yet taken in is an incident, and the rest is taken in a new generation", async () => {
  await using scene = await Scene.open();
  await scene.report(10);
  await scene.settled();
  await scene.tocsin.stop();
  const kept = scene.acknowledged.length;
  await scene.publish(10);
  // All but the last three.
  const lost = scene.acknowledged.splice(kept, 7);
  await scene.withStreams(async (api) => void (await api.streams.purge(STREAM, { seq: (lost.at(-1)?.sequence ?? 0) + 1 })));
  await scene.tocsin.start();
  await scene.report(5);
  await scene.settled();
  const evidence = await scene.evidence();
  expectAllOnce(evidence);
  expect(evidence.partitions).toMatchObject([{ generation: 2 }]);
  expect(await scene.incidents()).toEqual({ told: ["stream.recreated"], counted: 1 });
});
