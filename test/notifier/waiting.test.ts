import { expect, test } from "bun:test";
import { firstRevisions, openReceiver } from "../receivers/receiver";
import { HurriedClock } from "./hurriedClock";
import { Scene } from "./scene";
import { until } from "../until";

const TEST_MS = 60_000;

test("what is sent again by hand goes at once, while another attempt hangs", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  await using receiver = openReceiver(({ sensorId }) => (sensorId === "slow" ? { status: 204, after: answer.promise } : { status: 204 }));
  const webhook = await scene.addWebhook(receiver.url);
  const { notifier } = await scene.start();
  await scene.change(["a"]);
  await scene.settled();
  await scene.change(["slow"]);
  await until(() => receiver.arrivals.length === 2, "nothing hangs");
  const [first] = await scene.deliveries(webhook.id);
  await scene.store.retryDelivery(first?.id ?? "", Date.now());
  notifier.webhooksChanged();
  await until(() => receiver.arrivals.length === 3, "it is not sent again");
  expect(receiver.arrivals.map(({ sensorId }) => sensorId)).toEqual(["a", "slow", "a"]);
  answer.resolve();
  await scene.settled();
});

test("what was at hand for long is looked at again, and gives way to what superseded it meanwhile", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  await using receiver = openReceiver(({ sensorId }) => (sensorId === "slow" ? { status: 204, after: answer.promise } : { status: 204 }));
  await scene.addWebhook(receiver.url, { concurrency: 1, settings: { mode: "latest" } });
  await scene.start();
  await scene.change(["slow"]);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await scene.change(["a"], 3);
  await scene.change(["a"], 3);
  await until(
    async () => (await scene.store.listDeliveries({ sensorId: "a" }, { limit: 10, cursor: null })).items.length === 6,
    "unplanned",
  );
  // Longer than what is at hand counts as the latest: if it was read anew meanwhile, that was after all of them were planned.
  await Bun.sleep(1200);
  answer.resolve();
  await scene.settled();
  expect(firstRevisions(receiver.arrivals)).toEqual({ slow: [1], a: [6] });
});

test(
  "what a paused webhook is owed ends when its days are over, all of a lane",
  async () => {
    await using scene = await Scene.open();
    await using receiver = openReceiver();
    const webhook = await scene.addWebhook(receiver.url);
    await scene.store.updateWebhook(webhook.id, { state: "paused" }, null);
    const before = await scene.start();
    await scene.change(["a"], 4);
    await until(async () => (await scene.deliveries(webhook.id)).length === 4, "they were not planned");
    await before.stop();
    const clock = new HurriedClock();
    clock.advance(4 * 24 * 3600 * 1000);
    await scene.start({ clock });
    await scene.settled();
    expect((await scene.deliveries(webhook.id)).map(({ state, reason }) => `${state} ${reason}`)).toEqual(Array(4).fill("failed expired"));
  },
  TEST_MS,
);

test("what was owed in batches when a webhook asked for them no more keeps each sensor's order, also when one is not taken at first", async () => {
  await using scene = await Scene.open();
  let failures = 1;
  await using receiver = openReceiver(() => ({ status: failures-- > 0 ? 500 : 204, after: Bun.sleep(20) }));
  const settings = { batch: { maxItems: 100, maxWaitMs: 60_000 }, retrySchedule: [1] };
  const webhook = await scene.addWebhook(receiver.url, { settings });
  const { notifier } = await scene.start();
  await scene.change(["a", "b"], 3);
  await until(async () => (await scene.deliveries(webhook.id)).length === 6, "they were not planned");
  await scene.store.updateWebhook(webhook.id, { settings: { ...webhook.settings, batch: null } }, null);
  notifier.webhooksChanged();
  await scene.change(["a", "b"]);
  await scene.settled();
  const taken = receiver.arrivals.filter(({ answered }) => answered === 204);
  for (const sensorId of ["a", "b"]) {
    expect(taken.filter((arrival) => arrival.sensorId === sensorId).map(({ revision }) => revision)).toEqual([1, 2, 3, 4]);
  }
});
