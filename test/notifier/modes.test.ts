import { expect, test } from "bun:test";
import { type Answer, firstRevisions, openReceiver } from "../receivers/receiver";
import { HurriedClock } from "./hurriedClock";
import { fates, Scene } from "./scene";
import { until } from "../until";

const TEST_MS = 60_000;
const named = (count: number) => Array.from({ length: count }, (_, index) => `sensor-${index}`);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test("without an ordering each change goes by itself: one that is not taken keeps none of the others", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(({ revision }) => ({ status: revision === 1 ? 500 : 204 }));
  const webhook = await scene.addWebhook(receiver.url, { settings: { ordering: "none" } });
  await scene.start();
  await scene.change(["a"], 10);
  await until(async () => Object.values(await fates(scene, webhook)).filter((fate) => fate === "delivered").length === 9, "they wait");
  expect((await fates(scene, webhook))["a 1"]).toBe("pending");
});

test("of a sensor's changes that wait only the newest is sent, in the order of their revisions, and the others end as coalesced", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  let first = true;
  await using receiver = openReceiver((): Answer => {
    if (!first) return { status: 204 };
    first = false;
    return { status: 204, after: answer.promise };
  });
  const webhook = await scene.addWebhook(receiver.url, { settings: { mode: "latest" } });
  await scene.start();
  await scene.change(["a"]);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await scene.change(["a"], 5);
  await until(async () => Object.keys(await fates(scene, webhook)).length === 6, "they were not planned");
  answer.resolve();
  await scene.settled();
  expect(receiver.arrivals.map(({ revision }) => revision)).toEqual([1, 6]);
  const coalesced = Object.fromEntries([2, 3, 4, 5].map((revision) => [`a ${revision}`, "coalesced superseded"]));
  expect(await fates(scene, webhook)).toEqual({ "a 1": "delivered", ...coalesced, "a 6": "delivered" });
});

test("what failed and was superseded meanwhile is not tried again: the newest is, when it would have been", async () => {
  await using scene = await Scene.open();
  let status = 500;
  await using receiver = openReceiver(() => ({ status }));
  const webhook = await scene.addWebhook(receiver.url, { settings: { mode: "latest" } });
  const clock = new HurriedClock();
  const { notifier } = await scene.start({ clock });
  await scene.change(["a", "b"]);
  await until(async () => (await scene.store.getWebhook(webhook.id))?.failingSince !== null, "nothing failed");
  await scene.change(["a"], 3);
  await until(async () => Object.keys(await fates(scene, webhook)).length === 5, "they were not planned");
  expect(receiver.arrivals).toHaveLength(2);
  status = 204;
  clock.advance(6000);
  notifier.webhooksChanged();
  await scene.settled();
  expect(firstRevisions(receiver.arrivals)).toEqual({ a: [1, 4], b: [1] });
  expect(await fates(scene, webhook)).toMatchObject({ "a 1": "coalesced superseded", "a 4": "delivered", "b 1": "delivered" });
});

test("a least interval is kept although a success makes due what waits after failures", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  await using receiver = openReceiver((): Answer => ({ status: 204, after: answer.promise }));
  const webhook = await scene.addWebhook(receiver.url, { settings: { mode: "latest", minIntervalSeconds: 1 } });
  await scene.start();
  await scene.change(["a"]);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await scene.change(["a"]);
  await until(async () => Object.keys(await fates(scene, webhook)).length === 2, "it was not planned");
  const answeredAt = Date.now();
  answer.resolve();
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(2);
  expect((receiver.arrivals[1]?.at ?? 0) - answeredAt).toBeGreaterThan(900);
});

test(
  "a least interval is kept for each sensor, and the newest comes at its end",
  async () => {
    await using scene = await Scene.open();
    await using receiver = openReceiver();
    const webhook = await scene.addWebhook(receiver.url, { settings: { mode: "latest", minIntervalSeconds: 1 } });
    await scene.start();
    for (let round = 0; round < 25; round += 1) {
      await scene.change(["a", "b"]);
      await Bun.sleep(100);
    }
    await scene.settled();
    for (const [sensorId, ofSensor] of Map.groupBy(receiver.arrivals, (arrival) => arrival.sensorId)) {
      const gaps = ofSensor.slice(1).map(({ at }, index) => at - (ofSensor[index]?.at ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThan(900);
      expect(ofSensor.at(-1)?.revision).toBe(25);
      expect(ofSensor.length).toBeLessThan(25);
      expect(sensorId).toBeString();
    }
    expect(new Set(Object.values(await fates(scene, webhook)))).toEqual(new Set(["delivered", "coalesced superseded"]));
  },
  TEST_MS,
);

test("a rate is kept, and what waits for it stays in order", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.addWebhook(receiver.url, { settings: { ratePerSecond: 50 } });
  await scene.start();
  await scene.change(named(5), 10);
  await scene.settled();
  const [first, last] = [receiver.arrivals[0]?.at ?? 0, receiver.arrivals.at(-1)?.at ?? 0];
  expect(last - first).toBeGreaterThan(49 * 20 - 100);
  for (const revisions of Object.values(firstRevisions(receiver.arrivals))) expect(revisions).toEqual(upTo(10));
});

test("operational events are sent to those who ask for them, signed and repeated like any other delivery", async () => {
  await using scene = await Scene.open();
  await using gone = openReceiver(() => ({ status: 410 }));
  let failures = 1;
  await using operators = openReceiver(() => ({ status: failures-- > 0 ? 500 : 204 }));
  const webhook = await scene.addWebhook(gone.url);
  await scene.addWebhook(operators.url, { settings: { events: ["webhook.disabled"], retrySchedule: [1] } });
  await scene.start();
  await scene.change(["a"]);
  await until(() => operators.arrivals.length === 2, "it was not told");
  await scene.settled();
  const [first, second] = operators.arrivals;
  expect(second?.body).toBe(first?.body as string);
  expect(JSON.parse(first?.body ?? "")).toMatchObject({ type: "webhook.disabled", data: { webhookId: webhook.id, reason: "410 Gone" } });
});

test(
  "a replay brings back what ended while the webhook was disabled, under the same ids, in each sensor's order",
  async () => {
    await using scene = await Scene.open();
    await using receiver = openReceiver();
    const webhook = await scene.addWebhook(receiver.url, { concurrency: 4 });
    const { notifier } = await scene.start();
    const since = Date.now() - 1000;
    await scene.store.updateWebhook(webhook.id, { state: "disabled" }, null);
    notifier.webhooksChanged();
    await scene.change(named(10), 5);
    await scene.settled();
    expect(new Set(Object.values(await fates(scene, webhook)))).toEqual(new Set(["skipped disabled"]));
    await scene.store.updateWebhook(webhook.id, { state: "active" }, null);
    const range = { since, until: Date.now() + 1000 };
    await scene.store.createReplay({ id: "rpl_1", webhookId: webhook.id, range, which: "undelivered", ratePerSecond: 100 });
    notifier.webhooksChanged();
    await until(async () => (await scene.store.getReplay("rpl_1"))?.state === "done", "it does not end");
    await scene.settled();
    expect(await scene.store.getReplay("rpl_1")).toMatchObject({ state: "done", reason: null, replayed: 50 });
    expect(receiver.arrivals).toHaveLength(50);
    for (const revisions of Object.values(firstRevisions(receiver.arrivals))) expect(revisions).toEqual(upTo(5));
    expect(new Set(receiver.arrivals.map(({ id }) => id))).toEqual(new Set((await scene.deliveries(webhook.id)).map(({ id }) => id)));
  },
  TEST_MS,
);

test("operational events keep no least interval, and each of them is sent", async () => {
  await using scene = await Scene.open();
  await using gone = openReceiver(() => ({ status: 410 }));
  await using operators = openReceiver();
  const those = [await scene.addWebhook(gone.url), await scene.addWebhook(gone.url), await scene.addWebhook(gone.url)];
  await scene.addWebhook(operators.url, { settings: { events: ["webhook.disabled"], mode: "latest", minIntervalSeconds: 3600 } });
  await scene.start();
  await scene.change(["a"]);
  await scene.settled();
  const told = operators.arrivals.map(({ body }) => (JSON.parse(body) as { data: { webhookId: string } }).data.webhookId);
  expect(told.toSorted()).toEqual(those.map(({ id }) => id));
});
