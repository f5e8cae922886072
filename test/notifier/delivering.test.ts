import { expect, test } from "bun:test";
import { seededRandom } from "../ledger/random";
import { openHostile } from "../receivers/hostile";
import { type Arrival, firstRevisions, isSigned, openReceiver } from "../receivers/receiver";
import { HurriedClock } from "./hurriedClock";
import { newSecret, Scene } from "./scene";
import { until } from "../until";

const TEST_MS = 60_000;
const FIVE_MINUTES_MS = 300_000;
/** After which an attempt at an endpoint that hangs is given up. */
const HUNG_MS = 15_000;

const named = (count: number) => Array.from({ length: count }, (_, index) => `sensor-${index}`);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

function taken(arrivals: readonly Arrival[]): Arrival[] {
  return arrivals.filter(({ answered }) => answered < 300);
}

test(
  "each sensor's changes first arrive in their order, under one id with one body over all attempts, at an endpoint that fails and dawdles at random",
  async () => {
    const random = seededRandom(7);
    await using scene = await Scene.open();
    await using receiver = openReceiver(() => ({ status: random() < 0.3 ? 500 : 204, after: Bun.sleep(random() * 5) }));
    const secret = newSecret();
    await scene.addWebhook(receiver.url, { secrets: [secret] });
    const clock = new HurriedClock(random);
    const { notifier } = await scene.start({ clock });
    for (let round = 0; round < 5; round += 1) await scene.change(named(20), 2);
    let seen = 0;
    await until(async () => {
      // Not while something comes: after three days of this clock what is owed would be over.
      if (receiver.arrivals.length === seen) clock.advance(FIVE_MINUTES_MS);
      seen = receiver.arrivals.length;
      notifier.webhooksChanged();
      await Bun.sleep(10);
      return taken(receiver.arrivals).length === 200;
    }, "not everything was taken");
    await scene.settled();

    const revisions = firstRevisions(receiver.arrivals);
    expect(Object.keys(revisions)).toHaveLength(20);
    for (const sensorId of named(20)) expect(revisions[sensorId]).toEqual(upTo(10));
    expect(receiver.arrivals.length).toBeGreaterThan(220);
    for (const [id, ofDelivery] of Map.groupBy(receiver.arrivals, (arrival) => arrival.id)) {
      expect(new Set(ofDelivery.map(({ body }) => body)).size).toBe(1);
      // Exactly the last attempt was taken.
      expect(ofDelivery.map(({ answered }) => answered < 300).indexOf(true)).toBe(ofDelivery.length - 1);
      const record = await scene.store.getDelivery(id);
      expect(record).toMatchObject({ state: "delivered", reason: null });
      expect(record?.attempts.map(({ statusCode }) => statusCode)).toEqual(ofDelivery.map(({ answered }) => answered));
    }
    for (const arrival of receiver.arrivals) expect(isSigned(arrival, secret)).toBe(true);
  },
  TEST_MS,
);

test("a webhook never has more requests open than its concurrency, and uses all of it", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 204, after: Bun.sleep(5) }));
  await scene.addWebhook(receiver.url, { concurrency: 4 });
  await scene.start();
  await scene.change(named(100));
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(100);
  expect(receiver.openMost).toBe(4);
});

test("a limit that was lowered holds at once", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 204, after: Bun.sleep(5) }));
  const webhook = await scene.addWebhook(receiver.url, { concurrency: 10 });
  const { notifier } = await scene.start();
  await scene.store.updateWebhook(webhook.id, { concurrency: 2 }, null);
  notifier.webhooksChanged();
  await scene.change(named(30));
  await scene.settled();
  expect(receiver.openMost).toBe(2);
});

test(
  "webhooks that hang delay nobody else, however many deliveries they are owed",
  async () => {
    await using scene = await Scene.open();
    await using receiver = openReceiver();
    await using hanging = await openHostile("hang");
    for (let count = 0; count < 30; count += 1) await scene.addWebhook(hanging.url);
    await scene.addWebhook(receiver.url);
    await scene.start();
    for (let round = 1; round <= 3; round += 1) {
      await scene.change(named(50));
      await until(() => receiver.arrivals.length === 50 * round, "the healthy webhook waits", HUNG_MS / 2);
    }
    expect(hanging.requests.length).toBeGreaterThan(30);
  },
  TEST_MS,
);

test(
  "a backlog that is larger than what is kept ready is worked off from the table",
  async () => {
    await using scene = await Scene.open();
    await using receiver = openReceiver();
    await scene.addWebhook(receiver.url, { concurrency: 2 });
    await scene.change(named(300), 2);
    await scene.start();
    await scene.settled(TEST_MS);
    expect(receiver.arrivals).toHaveLength(600);
    expect(new Set(receiver.arrivals.map(({ id }) => id)).size).toBe(600);
    for (const revisions of Object.values(firstRevisions(receiver.arrivals))) expect(revisions).toEqual([1, 2]);
  },
  TEST_MS,
);

test("a delivery that was delivered and is asked for again by hand comes again under its id, with its body", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  const { notifier } = await scene.start();
  await scene.change(["boiler-7"]);
  await scene.settled();
  const [record] = await scene.deliveries(webhook.id);
  await scene.store.retryDelivery(record?.id ?? "", Date.now());
  notifier.webhooksChanged();
  await until(() => receiver.arrivals.length === 2, "it was not repeated");
  await scene.settled();
  const [first, second] = receiver.arrivals;
  expect(second?.id).toBe(first?.id as string);
  expect(second?.body).toBe(first?.body as string);
});
