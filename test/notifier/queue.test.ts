import { expect, test } from "bun:test";
import { WebhookQueue } from "../../src/notifier/queue";
import { SETTINGS_DEFAULT } from "../../src/domain/webhook";
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
  queue.filling = true;
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
  queue.filling = true;
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
  expect(queue.wantsMore(NOW)).toBe(false);
  for (const { id } of queue.ready.splice(0, 7)) queue.forget(id);
  queue.offer(head(21), NOW, READY_MAX);
  expect(queue.ready.map(({ number }) => number)).toEqual([8]);
  expect(queue.wantsMore(NOW)).toBe(true);
});

test("while many webhooks have something ready, each keeps no more than it may run at once", () => {
  const queue = new WebhookQueue("wh_1");
  queue.serve({ concurrency: 4, settings: SETTINGS_DEFAULT });
  for (const one of heads(20)) queue.offer(one, NOW, 0);
  expect(queue.ready).toHaveLength(4);
});

test("a reading that gave all that was asked for is followed by another", () => {
  const queue = new WebhookQueue("wh_1");
  queue.filling = true;
  queue.fill(heads(3), NOW, 3);
  expect(queue.dueAt).toBe(NOW);
  const last = new WebhookQueue("wh_1");
  last.filling = true;
  last.fill(heads(2), NOW, 3);
  expect(last.dueAt).toBeNull();
});

test("a webhook that takes no batches any more is read anew, and does not wait for the end of the last one", () => {
  const queue = new WebhookQueue("wh_1");
  const settings = { ...SETTINGS_DEFAULT, batch: { maxItems: 2, maxWaitMs: 60_000 } };
  queue.serve({ concurrency: 2, settings });
  for (const one of heads(4)) queue.offer(one, NOW, READY_MAX);
  expect(queue.take().map(({ number }) => number)).toEqual([1, 2]);
  queue.waitUntil(queue.gatheredAt({ settings }, NOW), true);
  expect(queue.resumeAt).toBe(Infinity);
  queue.serve({ concurrency: 2, settings: SETTINGS_DEFAULT });
  expect([queue.ready, queue.resumeAt, queue.wantsMore(NOW)]).toEqual([[], 0, true]);
  queue.filling = true;
  queue.fill(heads(3), NOW, 10);
  expect(queue.ready.map(({ number }) => number)).toEqual([3]);
});
