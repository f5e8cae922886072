import { expect, test } from "bun:test";
import { WebhookQueue } from "../../src/notifier/queue";
import { BATCHED_AT } from "../../src/domain/delivery";
import { SETTINGS_DEFAULT, type WebhookSettings } from "../../src/domain/webhook";
import type { DueDelivery } from "../../src/store/store";

const NOW = 1_000_000;
const READY_MAX = 1000;

function head(number: number, nextAttemptAt = NOW): DueDelivery {
  const id = `wh_1_0_${number}`;
  return {
    id,
    webhookId: "wh_1",
    sensorId: `s${number}`,
    partition: 0,
    number,
    plannedAt: NOW,
    nextAttemptAt,
    laneFailures: 0,
    rejections: 0,
  };
}

const heads = (count: number) => Array.from({ length: count }, (_, index) => head(index + 1));

test("a head is taken once until what became of it is written, whoever hands it over", () => {
  const queue = new WebhookQueue("wh_1");
  queue.offer(head(1), NOW, READY_MAX);
  queue.offer(head(1), NOW, READY_MAX);
  queue.beginFill(NOW);
  queue.fill([head(1), head(2)], NOW, 10);
  expect(queue.ready.map(({ number }) => number)).toEqual([1, 2]);
  queue.ready.shift();
  queue.offer(head(1), NOW, READY_MAX);
  expect(queue.ready.map(({ number }) => number)).toEqual([2]);
  queue.forget(head(1).id);
  queue.offer(head(1), NOW, READY_MAX);
  expect(queue.ready.map(({ number }) => number)).toEqual([2, 1]);
});

test("what was written while the table was read is not taken from that reading", () => {
  const queue = new WebhookQueue("wh_1");
  queue.offer(head(1), NOW, READY_MAX);
  queue.ready.shift();
  queue.beginFill(NOW);
  queue.forget(head(1).id);
  queue.fill([head(1), head(2)], NOW, 10);
  expect(queue.ready.map(({ number }) => number)).toEqual([2]);
});

test("what does not fit stays in the table, and what comes then waits behind it", () => {
  const queue = new WebhookQueue("wh_1");
  queue.serve({ concurrency: 2, settings: SETTINGS_DEFAULT });
  for (const one of heads(20)) queue.offer(one, NOW, READY_MAX);
  expect(queue.ready).toHaveLength(8);
  expect(queue.dueAt).toBe(NOW);
  expect(queue.wantsMore(NOW, READY_MAX)).toBe(false);
  for (const { id } of queue.ready.splice(0, 7)) queue.forget(id);
  queue.offer(head(21), NOW, READY_MAX);
  expect(queue.ready.map(({ number }) => number)).toEqual([8]);
  expect(queue.wantsMore(NOW, READY_MAX)).toBe(true);
});

test("while many webhooks have something ready, each keeps no more than it may run at once", () => {
  const queue = new WebhookQueue("wh_1");
  queue.serve({ concurrency: 4, settings: SETTINGS_DEFAULT });
  for (const one of heads(20)) queue.offer(one, NOW, 0);
  expect(queue.ready).toHaveLength(4);
});

test("a reading that gave all that was asked for is followed by another", () => {
  const queue = new WebhookQueue("wh_1");
  queue.beginFill(NOW);
  queue.fill(heads(3), NOW, 3);
  expect(queue.dueAt).toBe(NOW);
  const last = new WebhookQueue("wh_1");
  last.beginFill(NOW);
  last.fill(heads(2), NOW, 3);
  expect(last.dueAt).toBeNull();
});

const IN_BATCHES = { ...SETTINGS_DEFAULT, batch: { maxItems: 2, maxWaitMs: 1000 } };
const hook = (settings: WebhookSettings) => ({ concurrency: 4, settings });

/** A queue of batches of two, of which the first runs and the next is ready. */
function runningBatch(): WebhookQueue {
  const queue = new WebhookQueue("wh_1");
  queue.serve(hook(IN_BATCHES));
  for (const one of heads(4)) queue.offer(one, NOW, READY_MAX);
  expect(queue.take(IN_BATCHES).deliveries.map(({ number }) => number)).toEqual([1, 2]);
  return queue;
}

const FAILED = { left: [], sent: 2, againAt: NOW + 5000, tooMuch: false, now: NOW };

test.each([
  ["written", () => heads(2)],
  ["abandoned", () => []],
])("a batch that comes again (%s) is followed by nothing that was read before it ended", (_, unwritten) => {
  const queue = runningBatch();
  queue.beginFill(NOW);
  for (const { id } of heads(2).filter((one) => !unwritten().some(({ id }) => id === one.id))) queue.forget(id);
  queue.batchEnded(FAILED);
  for (const { id } of unwritten()) queue.forget(id);
  queue.fill(heads(6), NOW, 6);
  expect(queue.ready).toEqual([]);
  expect(queue.wantsMore(NOW, READY_MAX)).toBe(true);
  queue.beginFill(NOW);
  queue.fill(heads(6), NOW, 6);
  expect(queue.ready.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a webhook that takes batches no more waits for the one that runs, and goes on when that has ended", () => {
  const queue = runningBatch();
  queue.serve(hook(SETTINGS_DEFAULT));
  const gatheredAt = queue.gatheredAt(hook(SETTINGS_DEFAULT), NOW);
  expect(gatheredAt).toBe(Infinity);
  queue.waitUntil(gatheredAt, true);
  queue.batchEnded({ ...FAILED, againAt: null });
  expect(queue.resumeAt).toBeLessThanOrEqual(NOW);
  expect(queue.gatheredAt(hook(SETTINGS_DEFAULT), NOW)).toBe(NOW);
});

test("a reading for one leaves what is due later expected, each at its time", () => {
  const queue = new WebhookQueue("wh_1");
  for (const dueAt of [NOW + 300, NOW, NOW + 100, NOW + 100, NOW + 200]) queue.expectAt(dueAt);
  for (const dueAt of [NOW, NOW + 100, NOW + 200, NOW + 300]) {
    expect(queue.dueAt).toBe(dueAt);
    expect([queue.wantsMore(dueAt - 1, READY_MAX), queue.wantsMore(dueAt, READY_MAX)]).toEqual([false, true]);
    queue.beginFill(dueAt);
    queue.fill([], dueAt, 10);
  }
  expect(queue.dueAt).toBeNull();
});

test("what is due soon after each other is read at once, and of very many the soonest are remembered", () => {
  const queue = new WebhookQueue("wh_1");
  for (let dueAt = NOW; dueAt < NOW + 60_000; dueAt += 1) queue.expectAt(dueAt);
  const readings: number[] = [];
  for (let now = queue.dueAt; now !== null; now = queue.dueAt) {
    readings.push(now - NOW);
    queue.beginFill(now);
    queue.fill([], now, 10);
  }
  expect(readings).toEqual(Array.from({ length: 64 }, (_, index) => index * 20));
});

test("what is ready of a webhook that takes batches no more is read anew, but for what runs", () => {
  const queue = runningBatch();
  queue.serve(hook(SETTINGS_DEFAULT));
  expect(queue.ready).toEqual([]);
  expect(queue.wantsMore(NOW, READY_MAX)).toBe(true);
  queue.beginFill(NOW);
  queue.fill(heads(3), NOW, 10);
  expect(queue.ready.map(({ number }) => number)).toEqual([3]);
});

test("a first attempt can be brought before what failed, but never within a batch", () => {
  const queue = new WebhookQueue("wh_1");
  const failedOnce = { ...head(1), laneFailures: 1 };
  for (const one of [failedOnce, head(2), head(3)]) queue.offer(one, NOW, READY_MAX);
  expect(queue.putFirstAttemptFirst()).toBe(true);
  expect(queue.ready.map(({ number }) => number)).toEqual([2, 1, 3]);
  expect(queue.putFirstAttemptFirst()).toBe(false);
  const batches = new WebhookQueue("wh_1");
  batches.serve(hook(IN_BATCHES));
  for (const one of [failedOnce, head(2)]) batches.offer(one, NOW, READY_MAX);
  expect(batches.putFirstAttemptFirst()).toBe(false);
});

test.each([IN_BATCHES, SETTINGS_DEFAULT])(
  "what was planned to go in batches is taken from the table alone, which knows the order",
  (settings) => {
    const queue = new WebhookQueue("wh_1");
    queue.serve(hook(settings));
    queue.offer(head(1, BATCHED_AT), NOW, READY_MAX);
    expect(queue.ready).toEqual([]);
    expect(queue.wantsMore(NOW, READY_MAX)).toBe(true);
  },
);

test("what did not wait for each other is read anew once it must", () => {
  const queue = new WebhookQueue("wh_1");
  queue.serve(hook({ ...SETTINGS_DEFAULT, ordering: "none" }));
  for (const one of heads(3)) queue.offer(one, NOW, READY_MAX);
  queue.serve(hook(SETTINGS_DEFAULT));
  expect(queue.ready).toEqual([]);
  expect(queue.wantsMore(NOW, READY_MAX)).toBe(true);
});
