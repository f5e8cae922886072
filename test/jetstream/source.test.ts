import { expect, test } from "bun:test";
import type { ConsumerInfo } from "@nats-io/jetstream";
import { isFault } from "../../src/domain/fault";
import { BATCH_BYTES_MAX, type MessageSource, openSource, READ_AHEAD_BYTES_MAX } from "../../src/jetstream/source";
import { Linked, payloads, take } from "./linked";

const STREAM = "REPORTS_1_0";
const BATCH_MAX = 8192;
const LINGER_MS = 20;

/** What the broker counts beside the payload: the subject and the reply subject. */
const SUBJECTS_BYTES_MAX = 200;

async function publishLarge(broker: Linked, count: number, bytes: number): Promise<void> {
  const payload = new Uint8Array(bytes).fill(120);
  await Promise.all(Array.from({ length: count }, () => broker.link.publisher.publish("reports.1.0.boiler-7", payload)));
}

/** The stream's only consumer, as soon as it is as wanted. */
async function consumerOnce({ link }: Linked, isWanted: (consumer: ConsumerInfo) => boolean, stream = STREAM): Promise<ConsumerInfo> {
  for (;;) {
    const [consumer] = await link.api.consumers.list(stream).next();
    if (consumer !== undefined && isWanted(consumer)) return consumer;
    await Bun.sleep(10);
  }
}

function failureOf(source: MessageSource): Promise<unknown> {
  return source.next(BATCH_MAX, LINGER_MS).catch((error: unknown) => error);
}

/** A process that does nothing else, as a long commit makes it. */
function keepBusy(ms: number): void {
  for (const from = performance.now(); performance.now() - from < ms;);
}

test("many sources of one connection read no more ahead together than one alone: the broker would cut it off", async () => {
  const [partitions, count, bytes] = [12, 20, 250_000];
  await using broker = await Linked.open(partitions);
  const payload = new Uint8Array(bytes).fill(120);
  const places = Array.from({ length: partitions }, (_, partition) => partition);
  for (const partition of places) {
    const subject = `reports.${partitions}.${partition}.boiler-7`;
    await Promise.all(Array.from({ length: count }, () => broker.link.publisher.publish(subject, payload)));
  }
  const streams = places.map((partition) => `REPORTS_${partitions}_${partition}`);
  const sources = await Promise.all(streams.map((stream) => openSource(broker.link, stream, { kind: "all" })));
  let ahead = 0;
  for (const stream of streams) {
    const isFull = ({ delivered, num_waiting }: ConsumerInfo) => delivered.consumer_seq > 0 && num_waiting === 0;
    ahead += (await consumerOnce(broker, isFull, stream)).delivered.consumer_seq * bytes;
  }
  expect(ahead).toBeLessThanOrEqual(READ_AHEAD_BYTES_MAX);
  for (const source of sources) {
    let taken = 0;
    while (taken < count) taken += (await source.next(BATCH_MAX, LINGER_MS)).length;
    await source.stop();
  }
});

test("what is read ahead, and what a batch holds, is limited in bytes, however long nobody takes any; nothing is lost, the order is kept", async () => {
  await using broker = await Linked.open();
  const [count, bytes] = [200, 250_000];
  await publishLarge(broker, count, bytes);
  const source = await openSource(broker.link, STREAM, { kind: "all" });
  // The broker works on no request any more: there is no room for what it would send.
  const { delivered } = await consumerOnce(broker, (consumer) => consumer.delivered.consumer_seq > count / 2 && consumer.num_waiting === 0);
  const ahead = delivered.consumer_seq;
  // Nothing was asked for, so nobody is silent.
  await Bun.sleep(2200);
  expect(ahead * bytes).toBeLessThanOrEqual(READ_AHEAD_BYTES_MAX);
  expect((ahead + 1) * (bytes + SUBJECTS_BYTES_MAX)).toBeGreaterThan(READ_AHEAD_BYTES_MAX);

  const sequences: number[] = [];
  const sizes: number[] = [];
  while (sequences.length < count) {
    const batch = await source.next(BATCH_MAX, LINGER_MS);
    sequences.push(...batch.map(({ sequence }) => sequence));
    sizes.push(batch.reduce((sum, { payload }) => sum + payload.length, 0));
  }
  await source.stop();
  expect(sequences).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(BATCH_BYTES_MAX);
  expect(sizes[0]).toBeGreaterThan(BATCH_BYTES_MAX - bytes - BATCH_BYTES_MAX / 100);
});

test("what waits in the socket while the process is busy is read, and its broker does not pass for a silent one", async () => {
  await using broker = await Linked.open();
  const source = await openSource(broker.link, STREAM, { kind: "all" });
  await broker.publish("before");
  expect(payloads(await take(source, 1))).toEqual(["before"]);
  await broker.publish("a", "b");
  keepBusy(1500);
  // And once more before anything is read: a timer that is due comes first.
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      keepBusy(1500);
      resolve();
    }, 0);
  });
  expect(payloads(await take(source, 2))).toEqual(["a", "b"]);
  await broker.publish("after");
  expect(payloads(await take(source, 1))).toEqual(["after"]);
  await source.stop();
});

test("a source that hears of no message for longer than a request lasts goes on", async () => {
  await using broker = await Linked.open();
  const source = await openSource(broker.link, STREAM, { kind: "all" });
  const waiting = source.next(BATCH_MAX, LINGER_MS);
  await Bun.sleep(5600);
  await broker.publish("late");
  expect(payloads(await waiting)).toEqual(["late"]);
  await source.stop();
});

test("a broker that falls silent ends the source with a fault", async () => {
  await using broker = await Linked.open();
  const source = await openSource(broker.link, STREAM, { kind: "all" });
  const waiting = failureOf(source);
  const pid = broker.nats.pid();
  process.kill(pid, "SIGSTOP");
  const failure = await waiting.finally(() => process.kill(pid, "SIGCONT"));
  expect(isFault(failure, "unavailable")).toBe(true);
  expect((failure as Error).message).toContain("silent");
  await source.stop();
});

test("a consumer or a stream that is taken away ends the source with a fault, after what was read before", async () => {
  await using broker = await Linked.open();
  await broker.publish("read");
  for (const takeAway of [
    async (name: string) => void (await broker.link.api.consumers.delete(STREAM, name)),
    async () => void (await broker.link.api.streams.delete(STREAM)),
  ]) {
    const source = await openSource(broker.link, STREAM, { kind: "all" });
    const { name } = await consumerOnce(broker, (consumer) => consumer.delivered.stream_seq > 0);
    await takeAway(name);
    expect(payloads(await source.next(1, 0))).toEqual(["read"]);
    expect(isFault(await failureOf(source), "unavailable")).toBe(true);
    await source.stop();
  }
});
