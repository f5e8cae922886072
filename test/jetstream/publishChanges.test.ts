import { expect, test } from "bun:test";
import { isFault } from "../../src/domain/fault";
import type { OutgoingChange } from "../../src/jetstream/ports";
import { createChangePublisher } from "../../src/jetstream/publishChanges";
import { ensureTopology } from "../../src/jetstream/topology";
import { openSource } from "../../src/jetstream/source";
import { Linked, payloads } from "./linked";

const PLACE = { partitions: 1, partition: 0 };
const STREAM = "CHANGES_1_0";

function changes(from: number, to: number): OutgoingChange[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    number: from + index,
    sensorId: `s-${index % 3}`,
    body: `{"n":${from + index}}`,
  }));
}

/** The numbers in the stream, in its order. */
async function numbersIn({ link }: Linked): Promise<number[]> {
  const { state } = await link.api.streams.info(STREAM);
  const source = await openSource(link, STREAM, { kind: "all" });
  const numbers: number[] = [];
  while (numbers.length < state.messages) {
    for (const body of payloads(await source.next(1000, 5))) numbers.push((JSON.parse(body) as { n: number }).n);
  }
  await source.stop();
  return numbers;
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

test("changes stand in the stream in their order, once, whatever is repeated and by whomever", async () => {
  await using broker = await Linked.open();
  const owner = createChangePublisher(broker.link, PLACE);
  expect(await owner.publish(changes(1, 300), 0)).toBe(300);
  expect(await owner.publish(changes(200, 310), 199)).toBe(310);
  const next = createChangePublisher(broker.link, PLACE);
  expect(await next.publish(changes(1, 320), 0)).toBe(320);
  // The former owner wakes up late, with what it had committed before.
  const late = await owner.publish(changes(311, 318), 310).catch((error: unknown) => error);
  // A server compares the place or the ids first; either way nothing goes in twice.
  expect(late === 318 || isFault(late, "unavailable")).toBe(true);
  expect(await owner.publish(changes(311, 318), 310)).toBe(318);
  expect(await next.publish(changes(321, 325), 320)).toBe(325);
  expect(await numbersIn(broker)).toEqual(upTo(325));
});

test("after the broker was killed, what is repeated is found, and the order goes on", async () => {
  await using broker = await Linked.open();
  const owner = createChangePublisher(broker.link, PLACE);
  await owner.publish(changes(1, 50), 0);
  broker.nats.kill();
  for (let published = 50; published < 80;) {
    published = await owner.publish(changes(published + 1, 80), published).catch(() => Bun.sleep(50).then(() => published));
  }
  expect(await numbersIn(broker)).toEqual(upTo(80));
});

test("a stream that was emptied by age is gone on with", async () => {
  await using broker = await Linked.open();
  await createChangePublisher(broker.link, PLACE).publish(changes(1, 5), 0);
  await broker.link.api.streams.purge(STREAM);
  expect(await createChangePublisher(broker.link, PLACE).publish(changes(6, 8), 5)).toBe(8);
  expect(await numbersIn(broker)).toEqual([6, 7, 8]);
});

test("a stream that lost its end says from where on it needs them again", async () => {
  await using broker = await Linked.open();
  await createChangePublisher(broker.link, PLACE).publish(changes(1, 5), 0);
  await broker.link.api.streams.delete(STREAM);
  await ensureTopology(broker.link, 1);
  await createChangePublisher(broker.link, PLACE).publish(changes(1, 3), 0);
  const owner = createChangePublisher(broker.link, PLACE);
  expect(await owner.publish(changes(6, 7), 5)).toBe(3);
  expect(await owner.publish(changes(4, 7), 3)).toBe(7);
  expect(await numbersIn(broker)).toEqual(upTo(7));
});

/** What is left of changes when some went with their sensors. */
function without(gone: readonly number[], all: readonly OutgoingChange[]): OutgoingChange[] {
  return all.filter(({ number }) => !gone.includes(number));
}

test("a stream that lost its end gets what is left of it, when changes went with their sensors meanwhile", async () => {
  await using broker = await Linked.open();
  await createChangePublisher(broker.link, PLACE).publish(changes(1, 3), 0);
  const owner = createChangePublisher(broker.link, PLACE);
  expect(await owner.publish(changes(21, 22), 20)).toBe(3);
  const left = without([4, 5, 9, 12, 20], changes(4, 22));
  expect(await owner.publish(left.slice(0, 6), 3)).toBe(13);
  expect(await owner.publish(left.slice(6), 13)).toBe(22);
  expect(await owner.publish(changes(23, 24), 22)).toBe(24);
  // Whoever comes next finds each in its place, by as much of the end as it brings.
  for (const from of [0, 7, 18]) {
    const again = without([4, 5, 9, 12, 20], changes(from + 1, 24));
    expect(await createChangePublisher(broker.link, PLACE).publish(again, from)).toBe(24);
  }
  for (const to of [19, 23]) {
    const begun = without([4, 5, 9, 12, 20], changes(8, to));
    expect(await createChangePublisher(broker.link, PLACE).publish(begun, 7)).toBe(to);
  }
  expect(await numbersIn(broker)).toEqual(upTo(24).filter((number) => ![4, 5, 9, 12, 20].includes(number)));
});

test("what the stream holds of another database's changes does not pass for ours", async () => {
  await using broker = await Linked.open();
  const others = changes(1, 15).map((change) => ({ ...change, body: `{"n":${change.number + 100}}` }));
  const { config } = await broker.link.api.streams.info(STREAM);
  await broker.link.api.streams.delete(STREAM);
  await broker.link.api.streams.add({ ...config, duplicate_window: 200_000_000 });
  await createChangePublisher(broker.link, PLACE).publish(others, 0);
  const owner = createChangePublisher(broker.link, PLACE);
  const until = async (first: number, last: number) => {
    // While the broker remembers the others' numbers it takes ours for repeats: then nothing counts as published.
    for (let published = 0; published !== last;)
      published = await owner.publish(changes(first, last), first - 1).catch(() => Bun.sleep(20).then(() => 0));
  };
  await until(1, 8);
  await until(9, 20);
  expect(await numbersIn(broker)).toEqual([...others.map(({ number }) => number + 100), ...upTo(20)]);
});

test("without a broker nothing counts as published", async () => {
  await using broker = await Linked.open();
  const owner = createChangePublisher(broker.link, PLACE);
  await owner.publish(changes(1, 2), 0);
  await broker.nats.down();
  const refused = await owner.publish(changes(3, 4), 2).catch((error: unknown) => error);
  expect(isFault(refused, "unavailable")).toBe(true);
  await broker.nats.up();
});
