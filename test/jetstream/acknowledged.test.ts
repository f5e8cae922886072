import { describe, expect, test } from "bun:test";
import { isFault } from "../../src/domain/fault";
import { openNats } from "../../src/jetstream/connection";
import type { PublishAck } from "../../src/jetstream/ports";
import { createReportPublisher } from "../../src/jetstream/publishReports";
import { ensureTopology } from "../../src/jetstream/topology";
import { startHangingProxy } from "../servers/hangingProxy";
import { Linked } from "./linked";

const payload = new TextEncoder().encode('{"status":"ok"}');

const reasonOf = async (publishing: Promise<unknown>): Promise<string> => {
  const error: unknown = await publishing.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isFault(error, "unavailable")) throw new Error(`no fault that says unavailable, but ${error as string}`);
  return error.message;
};

describe("a report that is published", () => {
  test("is acknowledged with its own place, however many are on their way", async () => {
    await using broker = await Linked.open(4);
    const publisher = createReportPublisher(broker.link, 4);
    const ids = Array.from({ length: 5000 }, (_, index) => `sensor-${index}`);
    const acks = await Promise.all(ids.map((id) => publisher.publish(id, payload)));
    const places = new Set(acks.map(({ stream, sequence }) => `${stream} ${sequence}`));
    expect(places.size).toBe(ids.length);
    for (const [index, { stream, sequence, duplicate }] of acks.entries()) {
      if (index % 100 !== 0) continue;
      const message = await broker.link.api.streams.getMessage(stream, { seq: sequence });
      expect([message?.subject.split(".").at(-1), duplicate]).toEqual([ids[index], false]);
    }
  });

  test("together with others keeps the order in which they were asked for", async () => {
    await using broker = await Linked.open();
    const publisher = createReportPublisher(broker.link, 1);
    const sequences: number[] = [];
    const publish = async () => sequences.push((await publisher.publish("a", payload)).sequence);
    await Promise.all(Array.from({ length: 500 }, publish));
    expect(sequences).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  });

  test("is not known to be stored when no stream takes it, and is when one comes in time", async () => {
    await using broker = await Linked.open();
    const publisher = createReportPublisher(broker.link, 1);
    await broker.link.api.streams.delete("REPORTS_1_0");
    expect(await reasonOf(publisher.publish("a", payload))).toBe("the report is not known to be stored: no stream takes it");
    // On a machine that is late the stream may come too late: then once more.
    let late: PublishAck | null = null;
    while (late === null) {
      await broker.link.api.streams.delete("REPORTS_1_0").catch(() => {});
      const publishing = publisher.publish("a", payload).catch(() => null);
      await ensureTopology(broker.link, 1);
      late = await publishing;
    }
    expect(late.sequence).toBe(1);
  });

  test("is given up when the broker does not answer, and an answer that comes late is nobody's", async () => {
    await using broker = await Linked.open();
    await using proxy = await startHangingProxy(Number(new URL(broker.nats.url).port));
    const link = await openNats({ urls: [`nats://127.0.0.1:${proxy.port}`], name: "test" });
    const publisher = createReportPublisher(link, 1);
    await publisher.publish("a", payload);
    proxy.hang();
    const reasons = await Promise.all(Array.from({ length: 10 }, () => reasonOf(publisher.publish("a", payload))));
    expect(new Set(reasons)).toEqual(new Set(["the report is not known to be stored: no answer in time"]));
    proxy.goOn();
    // They were sent, and so they are stored: only that was not known.
    expect((await publisher.publish("a", payload)).sequence).toBe(12);
    await link.close();
  });

  test("is given up at once when the connection goes", async () => {
    await using broker = await Linked.open();
    const proxy = await startHangingProxy(Number(new URL(broker.nats.url).port));
    const link = await openNats({ urls: [`nats://127.0.0.1:${proxy.port}`], name: "test" });
    const publisher = createReportPublisher(link, 1);
    await publisher.publish("a", payload);
    proxy.hang();
    const waiting = Promise.all([1, 2, 3].map(() => reasonOf(publisher.publish("a", payload))));
    await proxy[Symbol.asyncDispose]();
    expect(new Set(await waiting)).toEqual(new Set(["the connection to NATS was lost before the answer"]));
    expect(await reasonOf(publisher.publish("a", payload))).toBe("not connected to NATS");
    await link.close();
  });

  test("is refused without a connection, and taken again over the next one", async () => {
    await using broker = await Linked.open();
    const lost = Promise.withResolvers<void>();
    const link = await openNats({ urls: [broker.nats.url], name: "test", onStatus: (connected) => void (connected || lost.resolve()) });
    const publisher = createReportPublisher(link, 1);
    await publisher.publish("a", payload);
    const returned = new Promise<void>((resolve) => link.onReconnect(resolve));
    broker.nats.kill();
    await lost.promise;
    expect(await reasonOf(publisher.publish("a", payload))).toBe("not connected to NATS");
    await returned;
    const { sequence } = await publisher.publish("a", payload);
    expect(sequence).toBe(2);
    await link.close();
  });
});
