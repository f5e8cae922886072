import { expect, test } from "bun:test";
import { isFault } from "../../src/domain/fault";
import { StreamGap } from "../../src/jetstream/ports";
import { nanosecondsOf, openReader, timeAfter } from "../../src/jetstream/reader";
import { ensureTopology } from "../../src/jetstream/topology";
import { cursorAt, Linked, payloads, take } from "./linked";

const STREAM = "REPORTS_1_0";
const START = { cursor: 0, cursorTimeNs: null };

test("messages come in order with place, id and time, from the first one on and from any cursor", async () => {
  await using broker = await Linked.open();
  await broker.publish("a", "b", "c", "d");
  const whole = await openReader(broker.link, STREAM, START);
  const all = await take(whole, 4);
  await whole.stop();
  expect(whole.start).toEqual({ kind: "continued" });
  expect(payloads(all)).toEqual(["a", "b", "c", "d"]);
  expect(all.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  expect(new Set(all.map(({ id, subject }) => `${id} ${subject}`))).toEqual(new Set(["boiler-7 reports.1.0.boiler-7"]));
  for (const message of all) expect(Math.abs(Number(message.timeNs()) / 1e6 - message.timeMs)).toBeLessThan(1.001);

  const rest = await openReader(broker.link, STREAM, cursorAt(all[1]));
  expect(rest.start).toEqual({ kind: "continued" });
  expect(payloads(await take(rest, 2))).toEqual(["c", "d"]);
  await broker.publish("e");
  expect(payloads(await take(rest, 1))).toEqual(["e"]);
  await rest.stop();
});

test("a reader at the end of its stream waits, and a stop ends the wait with nothing", async () => {
  await using broker = await Linked.open();
  const reader = await openReader(broker.link, STREAM, START);
  const waiting = reader.next(10, 5);
  await reader.stop();
  expect(await waiting).toEqual([]);
});

test("a batch is as large as it may be, and no larger", async () => {
  await using broker = await Linked.open();
  await broker.publish(...Array.from({ length: 25 }, (_, index) => `s${index}`));
  const reader = await openReader(broker.link, STREAM, START);
  const sizes: number[] = [];
  for (let left = 25; left > 0;) {
    const batch = await reader.next(10, 200);
    sizes.push(batch.length);
    left -= batch.length;
  }
  expect(sizes).toEqual([10, 10, 5]);
  await reader.stop();
});

test("a stream that was made anew begins a new generation, and everything that it holds is read", async () => {
  await using broker = await Linked.open();
  await broker.publish("a", "b", "c");
  const before = await openReader(broker.link, STREAM, START);
  const [first, second, third] = await take(before, 3);
  await before.stop();
  await broker.link.api.streams.delete(STREAM);
  await ensureTopology(broker.link, 1);
  await broker.publish("d", "e");

  for (const committed of [first, second, third]) {
    const reader = await openReader(broker.link, STREAM, cursorAt(committed));
    expect(reader.start).toMatchObject({ kind: "newGeneration", detail: { stream: STREAM, lastSequence: 2 } });
    expect(payloads(await take(reader, 2))).toEqual(["d", "e"]);
    await reader.stop();
  }
});

test("a stream that lost its tail and used the sequences again is noticed by the time", async () => {
  await using broker = await Linked.open();
  await broker.publish("a", "b", "c");
  const before = await openReader(broker.link, STREAM, START);
  const [, , third] = await take(before, 3);
  await before.stop();
  // What an older copy of the store would hold: the beginning, and then other messages under the same sequences.
  await broker.link.api.streams.delete(STREAM);
  await ensureTopology(broker.link, 1);
  await broker.publish("a", "b", "x", "y");
  const reader = await openReader(broker.link, STREAM, cursorAt(third));
  expect(reader.start).toMatchObject({ kind: "newGeneration", detail: { foundTimeNs: expect.stringMatching(/^\d{19}$/) } });
  expect(payloads(await take(reader, 4))).toEqual(["a", "b", "x", "y"]);
  await reader.stop();
});

test("an empty database beside an old stream is told what is missing, and reads the rest", async () => {
  await using broker = await Linked.open();
  await broker.publish("a", "b", "c");
  await broker.link.api.streams.purge(STREAM, { seq: 3 });
  const reader = await openReader(broker.link, STREAM, START);
  expect(reader.start).toMatchObject({ kind: "newGeneration", detail: { firstSequence: 3 } });
  expect(payloads(await take(reader, 1))).toEqual(["c"]);
  await reader.stop();
});

test("a gap is told once, between what stands before it and what stands after it", async () => {
  await using broker = await Linked.open();
  await broker.publish("a", "b", "c", "d");
  await broker.link.api.streams.deleteMessage(STREAM, 3);
  const reader = await openReader(broker.link, STREAM, START);
  expect(payloads(await take(reader, 2))).toEqual(["a", "b"]);
  const gap = await reader.next(10, 5).catch((error: unknown) => error);
  expect(gap).toBeInstanceOf(StreamGap);
  expect(gap).toMatchObject({ expected: 3, found: 4 });
  expect(payloads(await take(reader, 1))).toEqual(["d"]);
  await broker.publish("e");
  expect(payloads(await take(reader, 1))).toEqual(["e"]);
  await reader.stop();
});

test("a reader whose broker died ends with a fault; a new one goes on where the old one stood", async () => {
  await using broker = await Linked.open();
  await broker.publish("a", "b");
  const reader = await openReader(broker.link, STREAM, START);
  const [first, second] = await take(reader, 2);
  const waiting = reader.next(10, 5).catch((error: unknown) => error);
  broker.nats.kill();
  expect(isFault(await waiting, "unavailable")).toBe(true);
  await reader.stop();
  await expect(reopened(broker, cursorAt(first)).then((opened) => opened.next)).resolves.toEqual(["b"]);
  await broker.publish("c");
  expect((await reopened(broker, cursorAt(second))).next).toEqual(["c"]);
});

async function reopened({ link }: Linked, cursor: { cursor: number; cursorTimeNs: string }) {
  for (;;) {
    try {
      const reader = await openReader(link, STREAM, cursor);
      const next = payloads(await take(reader, 1));
      await reader.stop();
      return { start: reader.start, next };
    } catch (error) {
      if (!isFault(error, "unavailable")) throw error;
      await Bun.sleep(20);
    }
  }
}

test("times keep their nanoseconds", () => {
  expect(nanosecondsOf("2026-11-23T10:00:00.123456789Z")).toBe("1795428000123456789");
  expect(nanosecondsOf("2026-11-23T10:00:00.12Z")).toBe("1795428000120000000");
  expect(nanosecondsOf("2026-11-23T10:00:00Z")).toBe("1795428000000000000");
  expect(timeAfter("1795428000123456789")).toBe("2026-11-23T10:00:00.123456790Z");
  expect(timeAfter("1795428000999999999")).toBe("2026-11-23T10:00:01.000000000Z");
});
