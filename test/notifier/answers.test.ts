import { expect, test } from "bun:test";
import { RETRY_WAITS_MS } from "../../src/domain/delivery";
import { CONCURRENCY_DEFAULT } from "../../src/domain/webhook";
import { DISABLED_AFTER_MS } from "../../src/notifier/attempt";
import { HOLD_MAX_MS, OPENS_AFTER } from "../../src/notifier/webhook/circuit";
import { type Answer, openReceiver } from "../receivers/receiver";
import { HurriedClock } from "./hurriedClock";
import { type Running, Scene } from "./scene";
import { until } from "../until";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Moves the clock and lets everything that is due by then happen. */
async function pass({ notifier }: Running, clock: HurriedClock, ms: number): Promise<void> {
  clock.advance(ms);
  notifier.webhooksChanged();
  await Bun.sleep(60);
}

/** Until the outcomes of so many attempts are written. */
async function attempts(scene: Scene, webhookId: string, count: number): Promise<void> {
  const written = async () => (await scene.deliveries(webhookId)).reduce((sum, record) => sum + record.attempts.length, 0);
  await until(async () => (await written()) === count, `not ${count} attempts`);
}

/** An endpoint that takes nothing, and when each attempt came to it by this clock. */
function refusing(clock: HurriedClock) {
  const cameAt: number[] = [];
  const receiver = openReceiver(() => {
    cameAt.push(clock.now());
    return { status: 500 };
  });
  return { receiver, cameAt };
}

test("attempts follow the schedule, not before and not long after", async () => {
  await using scene = await Scene.open();
  const clock = new HurriedClock();
  const { receiver, cameAt } = refusing(clock);
  await using _ = receiver;
  const webhook = await scene.addWebhook(receiver.url);
  const running = await scene.start({ clock });
  await scene.change(["a"], 2);
  await attempts(scene, webhook.id, 1);
  for (const [index, wait] of RETRY_WAITS_MS.entries()) {
    const dueAt = (await scene.deliveries(webhook.id))[0]?.nextAttemptAt ?? 0;
    expect(dueAt).toBeWithin((cameAt[index] ?? Infinity) + wait, clock.now() + wait + 1);
    await pass(running, clock, wait - 1500);
    await pass(running, clock, 1500);
    await attempts(scene, webhook.id, index + 2);
    expect(cameAt[index + 1]).toBeGreaterThanOrEqual(dueAt);
  }
  // Nothing of the lane has come but its head.
  expect(new Set(receiver.arrivals.map(({ revision }) => revision))).toEqual(new Set([1]));
}, 60_000);

test("a lane's failures go on to the next of the lane, and a delivery ends as expired after three days, tried or not", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 500 }));
  const webhook = await scene.addWebhook(receiver.url);
  const clock = new HurriedClock();
  const running = await scene.start({ clock });
  await scene.change(["a"], 3);
  await attempts(scene, webhook.id, 1);
  await pass(running, clock, 3 * DAY_MS + 1000);
  await scene.settled();
  const fates = (await scene.deliveries(webhook.id)).map(({ state, reason }) => [state, reason]);
  expect(fates).toEqual(Array(3).fill(["failed", "expired"]));
  expect(receiver.arrivals).toHaveLength(1);
});

test("what is held by a paused webhook expires, too", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  await scene.store.updateWebhook(webhook.id, { state: "paused" }, null);
  const clock = new HurriedClock();
  const first = await scene.start({ clock });
  await scene.change(["a"]);
  await until(async () => (await scene.deliveries(webhook.id)).length === 1, "it was not planned");
  await first.stop();
  clock.advance(3 * DAY_MS + 1000);
  await scene.start({ clock });
  await scene.settled();
  expect(await scene.deliveries(webhook.id)).toMatchObject([{ state: "failed", reason: "expired", attempts: [] }]);
});

test.each([
  ["seconds", () => "7200"],
  ["an HTTP date", (now: number) => new Date(now + 2 * HOUR_MS).toUTCString()],
])(
  "Retry-After in %s on 429 and 503 leaves the whole webhook alone for that long, over a restart too, and nobody else",
  async (_, header) => {
    await using scene = await Scene.open();
    const clock = new HurriedClock();
    const refusals = [429, 503];
    await using receiver = openReceiver((): Answer => {
      const status = refusals.shift();
      return status === undefined ? { status: 204 } : { status, headers: { "retry-after": header(clock.now()) } };
    });
    await using other = openReceiver();
    const webhook = await scene.addWebhook(receiver.url, { concurrency: 1 });
    await scene.addWebhook(other.url);
    const first = await scene.start({ clock });
    await scene.change(["a"]);
    await attempts(scene, webhook.id, 1);
    await pass(first, clock, HOUR_MS);
    await scene.change(["b"]);
    await until(() => other.arrivals.length === 2, "the other one got nothing");
    await first.stop();
    const running = await scene.start({ clock });
    await scene.store.updateWebhook(webhook.id, { description: "edited" }, null);
    await pass(running, clock, HOUR_MS - MINUTE_MS);
    expect(receiver.arrivals.map(({ sensorId }) => sensorId)).toEqual(["a"]);
    await pass(running, clock, 2 * MINUTE_MS);
    await attempts(scene, webhook.id, 2);
    await pass(running, clock, HOUR_MS);
    expect(receiver.arrivals).toHaveLength(2);
    await pass(running, clock, 2 * HOUR_MS);
    await scene.settled();
    expect(receiver.arrivals).toHaveLength(4);
  },
  60_000,
);

test.each([400, 413, 415, 422])(
  "after three answers %d the delivery fails as rejected, and the sensor's next one is tried",
  async (status) => {
    await using scene = await Scene.open();
    await using receiver = openReceiver(({ revision }) => ({ status: revision === 1 ? status : 204 }));
    const webhook = await scene.addWebhook(receiver.url);
    const clock = new HurriedClock();
    const running = await scene.start({ clock });
    await scene.change(["a"], 2);
    await attempts(scene, webhook.id, 1);
    await pass(running, clock, 5000);
    await attempts(scene, webhook.id, 2);
    await pass(running, clock, 30_000);
    await scene.settled();
    expect(receiver.arrivals.map(({ revision }) => revision)).toEqual([1, 1, 1, 2]);
    expect(await scene.deliveries(webhook.id)).toMatchObject([
      { state: "failed", reason: "rejected" },
      { state: "delivered", reason: null },
    ]);
  },
);

test("410 disables the webhook: what it is owed ends as failed (disabled), what comes is skipped", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 410 }));
  await using other = openReceiver();
  const webhook = await scene.addWebhook(receiver.url, { concurrency: 1 });
  const bystander = await scene.addWebhook(other.url);
  await scene.start();
  await scene.change(["a", "b"], 50);
  await scene.settled();
  expect(receiver.arrivals.length).toBeLessThanOrEqual(2);
  expect(await scene.store.getWebhook(webhook.id)).toMatchObject({ state: "disabled", stateReason: "410 Gone" });
  const ended = await scene.deliveries(webhook.id);
  expect(ended).toHaveLength(100);
  for (const { state, reason } of ended) expect([state, reason]).toEqual(["failed", "disabled"]);
  await scene.change(["a"]);
  await scene.settled();
  expect((await scene.deliveries(webhook.id)).at(-1)).toMatchObject({ state: "skipped", reason: "disabled" });
  expect(await scene.deliveries(bystander.id)).toHaveLength(101);
});

test("a 410 of an endpoint that was edited meanwhile is a failure like any other", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  await using gone = openReceiver(() => ({ status: 410, after: answer.promise }));
  await using moved = openReceiver();
  const webhook = await scene.addWebhook(gone.url);
  const clock = new HurriedClock();
  const running = await scene.start({ clock });
  await scene.change(["a"]);
  await until(() => gone.arrivals.length === 1, "nothing arrived");
  await scene.store.updateWebhook(webhook.id, { url: moved.url }, null);
  running.notifier.webhooksChanged();
  answer.resolve();
  await attempts(scene, webhook.id, 1);
  await pass(running, clock, 5000);
  await scene.settled();
  expect(await scene.store.getWebhook(webhook.id)).toMatchObject({ state: "active" });
  expect(moved.arrivals).toHaveLength(1);
});

test("an endpoint that fails again and again is sent probes only; the first success makes everything that waits for it due at once", async () => {
  await using scene = await Scene.open();
  let status = 503;
  await using receiver = openReceiver(() => ({ status }));
  const webhook = await scene.addWebhook(receiver.url);
  const clock = new HurriedClock();
  const running = await scene.start({ clock });
  await scene.change(Array.from({ length: 30 }, (_, index) => `s${index}`));
  // As many as run at once, and those that took the place of the first few.
  const tried = CONCURRENCY_DEFAULT + OPENS_AFTER - 1;
  await attempts(scene, webhook.id, tried);
  await pass(running, clock, 0);
  expect(receiver.arrivals).toHaveLength(tried);
  for (const probes of [1, 2]) {
    await pass(running, clock, HOLD_MAX_MS * 1.2);
    await attempts(scene, webhook.id, tried + probes);
  }
  status = 204;
  await pass(running, clock, HOLD_MAX_MS * 1.2);
  // Half a minute or more has yet to pass for most of them.
  await scene.settled();
  expect(receiver.arrivals.filter(({ answered }) => answered === 204)).toHaveLength(30);
}, 60_000);

test("a webhook that has failed for five days without a success is disabled, with the reason", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 500 }));
  const webhook = await scene.addWebhook(receiver.url);
  let agedMs = DISABLED_AFTER_MS - 60_000;
  const webhooksById: typeof scene.store.webhooksById = async (ids) =>
    (await scene.store.webhooksById(ids)).map((found) =>
      found.failingSince === null ? found : { ...found, failingSince: found.failingSince - agedMs },
    );
  const { notifier } = await scene.start({ store: { ...scene.store, webhooksById } });
  const tryOnce = async (sensorId: string, count: number) => {
    await scene.change([sensorId]);
    await attempts(scene, webhook.id, count);
    notifier.webhooksChanged();
  };
  await tryOnce("a", 1);
  await tryOnce("b", 2);
  expect(await scene.store.getWebhook(webhook.id)).toMatchObject({ state: "active" });
  agedMs = DISABLED_AFTER_MS;
  const failingSince = (await webhooksById([webhook.id]))[0]?.failingSince as number;
  await tryOnce("c", 3);
  await scene.settled();
  const stateReason = `no success since ${new Date(failingSince).toISOString()}`;
  expect(await scene.store.getWebhook(webhook.id)).toMatchObject({ state: "disabled", stateReason });
  expect((await scene.deliveries(webhook.id)).map(({ reason }) => reason)).toEqual(["disabled", "disabled", "disabled"]);
});

test("a webhook's own schedule of retries holds instead of the usual one", async () => {
  await using scene = await Scene.open();
  const clock = new HurriedClock();
  const { receiver, cameAt } = refusing(clock);
  await using _ = receiver;
  const webhook = await scene.addWebhook(receiver.url, { settings: { retrySchedule: [100, 3600] } });
  const running = await scene.start({ clock });
  await scene.change(["a"]);
  for (const [index, wait] of [100_000, HOUR_MS, HOUR_MS].entries()) {
    await attempts(scene, webhook.id, index + 1);
    const dueAt = (await scene.deliveries(webhook.id))[0]?.nextAttemptAt ?? 0;
    expect(dueAt).toBeWithin((cameAt[index] ?? Infinity) + wait, clock.now() + wait + 1);
    await pass(running, clock, wait);
  }
}, 60_000);

test("a sensor whose changes are never taken is not tried again at each success of the others", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(({ sensorId }) => ({ status: sensorId === "bad" ? 500 : 204 }));
  const webhook = await scene.addWebhook(receiver.url);
  await scene.start();
  await scene.change(["bad"]);
  for (let round = 1; round <= 40; round += 1) {
    await scene.change(["good"]);
    await until(() => receiver.arrivals.filter(({ sensorId }) => sensorId === "good").length === round, "nothing arrived");
  }
  expect(receiver.arrivals.filter(({ sensorId }) => sensorId === "bad").length).toBeLessThanOrEqual(3);
  expect((await scene.deliveries(webhook.id))[0]).toMatchObject({ sensorId: "bad", state: "pending" });
});
