import { expect, test } from "bun:test";
import { openReceiver } from "../receivers/receiver";
import { Scene } from "./scene";
import { bestOf, timeOf } from "../bestOf";
import { until } from "../until";

/** How many attempts stand in the table. */
async function tried(scene: Scene, webhookId: string): Promise<number> {
  return (await scene.deliveries(webhookId)).reduce((sum, { attempts }) => sum + attempts.length, 0);
}

const named = (count: number) => Array.from({ length: count }, (_, index) => `sensor-${index}`);

test("a paused webhook is sent nothing and misses nothing: what was held comes in order once it is active again", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  const { notifier } = await scene.start();
  await scene.store.updateWebhook(webhook.id, { state: "paused" }, null);
  notifier.webhooksChanged();
  await scene.change(["a", "b"], 3);
  await until(async () => (await scene.deliveries(webhook.id)).length === 6, "it was not planned");
  await Bun.sleep(50);
  expect(receiver.arrivals).toEqual([]);
  await scene.store.updateWebhook(webhook.id, { state: "active" }, null);
  notifier.webhooksChanged();
  await scene.settled();
  for (const id of ["a", "b"]) {
    expect(receiver.arrivals.filter(({ sensorId }) => sensorId === id).map(({ revision }) => revision)).toEqual([1, 2, 3]);
  }
});

test("pausing also holds what was ready to be sent", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  await using receiver = openReceiver(() => ({ status: 204, after: answer.promise }));
  const webhook = await scene.addWebhook(receiver.url, { concurrency: 1 });
  const { notifier } = await scene.start();
  await scene.change(named(3));
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await scene.store.updateWebhook(webhook.id, { state: "paused" }, null);
  notifier.webhooksChanged();
  answer.resolve();
  await until(async () => (await scene.deliveries(webhook.id)).some(({ state }) => state === "delivered"), "it was not settled");
  await Bun.sleep(50);
  expect(receiver.arrivals).toHaveLength(1);
  await scene.store.updateWebhook(webhook.id, { state: "active" }, null);
  notifier.webhooksChanged();
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(3);
});

test("edits made by another node are seen within seconds", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  await scene.start();
  await scene.store.updateWebhook(webhook.id, { state: "paused" }, null);
  await scene.change(["a"]);
  await until(async () => (await scene.deliveries(webhook.id)).length === 1, "it was not planned");
  await scene.store.updateWebhook(webhook.id, { state: "active" }, null);
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(1);
});

test("what is owed to a deleted webhook ends as failed (deleted) without being sent", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  await scene.change(named(40), 30);
  await scene.store.deleteWebhook(webhook.id, null);
  await scene.start();
  await scene.settled();
  const ended = await scene.deliveries(webhook.id);
  expect(ended).toHaveLength(1200);
  expect(new Set(ended.map(({ reason }) => reason))).toEqual(new Set(["deleted"]));
  expect(receiver.arrivals).toEqual([]);
}, 60_000);

test("what waits for a later attempt ends as failed (deleted) soon after the webhook is deleted, here or on another node", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 503, headers: { "retry-after": "86400" } }));
  const webhook = await scene.addWebhook(receiver.url);
  await scene.start();
  await scene.change(named(5), 3);
  await until(async () => (await tried(scene, webhook.id)) === 5, "they were not tried");
  await scene.store.deleteWebhook(webhook.id, null);
  await scene.settled();
  const ended = await scene.deliveries(webhook.id);
  expect(ended).toHaveLength(15);
  for (const { state, reason } of ended) expect([state, reason]).toEqual(["failed", "deleted"]);
  expect(receiver.arrivals).toHaveLength(5);
}, 60_000);

test("what is owed to a webhook that is disabled ends as failed (disabled), also what was recorded before and planned after", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  await using receiver = openReceiver(() => ({ status: 500, after: answer.promise }));
  const webhook = await scene.addWebhook(receiver.url);
  const running = await scene.start();
  await scene.change(["a"], 3);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await running.stop(0);
  answer.resolve();
  await scene.change(["a", "b"], 2);
  await scene.store.updateWebhook(webhook.id, { state: "disabled" }, null);
  await scene.start();
  await scene.settled();
  const ended = await scene.deliveries(webhook.id);
  expect(ended).toHaveLength(7);
  for (const { state, reason } of ended) expect([state, reason]).toEqual(["failed", "disabled"]);
  expect(receiver.arrivals).toHaveLength(1);
});

test("what was recorded before a webhook was disabled, and is planned long after, ends as failed (disabled), too", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  let hidden = true;
  const changesAfter: typeof scene.store.changesAfter = async (...query) => (hidden ? [] : scene.store.changesAfter(...query));
  const running = await scene.start({ store: { ...scene.store, changesAfter } });
  await scene.change(["a", "b"], 2);
  await scene.store.updateWebhook(webhook.id, { state: "disabled" }, null);
  running.notifier.webhooksChanged();
  await Bun.sleep(100);
  hidden = false;
  running.wake();
  await scene.settled();
  const ended = await scene.deliveries(webhook.id);
  expect(ended).toHaveLength(4);
  for (const { state, reason } of ended) expect([state, reason]).toEqual(["failed", "disabled"]);
  expect(receiver.arrivals).toEqual([]);
});

test("disabling a webhook ends what it is owed at once, without a change to plan", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 500 }));
  const { notifier } = await scene.start();
  const toItsEnd = async () => {
    const webhook = await scene.addWebhook(receiver.url);
    await scene.change(named(5));
    await until(async () => (await tried(scene, webhook.id)) === 5, "they were not tried");
    await scene.store.updateWebhook(webhook.id, { state: "disabled" }, null);
    const tookMs = await timeOf(() => {
      notifier.webhooksChanged();
      return scene.settled();
    });
    expect(new Set((await scene.deliveries(webhook.id)).map(({ reason }) => reason))).toEqual(new Set(["disabled"]));
    return tookMs;
  };
  // By itself it would look again after five seconds.
  expect(await bestOf(2000, toItsEnd)).toBeLessThan(2000);
});

test("a webhook that is active again is owed what comes", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  const { notifier } = await scene.start();
  for (const state of ["disabled", "active", "disabled", "active"] as const) {
    await scene.store.updateWebhook(webhook.id, { state }, null);
    notifier.webhooksChanged();
  }
  await scene.change(named(3));
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(3);
});

test("a new address and new secrets hold from the next attempt on", async () => {
  await using scene = await Scene.open();
  await using before = openReceiver();
  await using after = openReceiver();
  const webhook = await scene.addWebhook(before.url);
  const { notifier } = await scene.start();
  await scene.change(["a"]);
  await scene.settled();
  await scene.store.updateWebhook(webhook.id, { url: after.url }, null);
  notifier.webhooksChanged();
  await scene.change(["a"]);
  await scene.settled();
  expect(before.arrivals.map(({ revision }) => revision)).toEqual([1]);
  expect(after.arrivals.map(({ revision }) => revision)).toEqual([2]);
});

test("a corrected address is tried at once by everything that waited for the wrong one, whatever that had asked for", async () => {
  await using scene = await Scene.open();
  await using wrong = openReceiver(() => ({ status: 503, headers: { "retry-after": "86400" } }));
  await using right = openReceiver();
  const webhook = await scene.addWebhook(wrong.url);
  const { notifier } = await scene.start();
  await scene.change(named(5), 2);
  await until(async () => (await tried(scene, webhook.id)) === 5, "they were not tried");
  await scene.store.updateWebhook(webhook.id, { url: right.url }, null);
  notifier.webhooksChanged();
  await scene.settled();
  expect(wrong.arrivals).toHaveLength(5);
  expect(right.arrivals).toHaveLength(10);
});

test("a Retry-After of the wrong address does not keep back what fails once more at the right one", async () => {
  await using scene = await Scene.open();
  await using wrong = openReceiver(() => ({ status: 503, headers: { "retry-after": "86400" } }));
  let refusals = 1;
  await using right = openReceiver(({ sensorId }) => ({ status: sensorId === "a" && refusals-- > 0 ? 500 : 204 }));
  // Nothing but the success of another makes it come again.
  const webhook = await scene.addWebhook(wrong.url, { settings: { retrySchedule: [3600] } });
  const { notifier } = await scene.start();
  await scene.change(["a"]);
  await until(async () => (await tried(scene, webhook.id)) === 1, "they were not tried");
  await scene.store.updateWebhook(webhook.id, { url: right.url }, null);
  notifier.webhooksChanged();
  await until(async () => (await tried(scene, webhook.id)) === 2, "the right one was not tried");
  await scene.change(["b"]);
  await scene.settled();
  expect(right.arrivals.map(({ sensorId }) => sensorId)).toEqual(["a", "b", "a"]);
});
