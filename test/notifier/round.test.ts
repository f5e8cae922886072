import { expect, test } from "bun:test";
import { WebhookQueue } from "../../src/notifier/queue";
import { Round, type Turn } from "../../src/notifier/round";
import type { DueDelivery } from "../../src/store/store";
import { nextTurn } from "../../src/nextTurn";

/** Queues with so much ready, and who was asked, in order. */
function rounds(counts: Readonly<Record<string, number>>, answer: (webhookId: string) => Turn, maySend = () => true) {
  const asked: string[] = [];
  const round = new Round({
    maySend,
    start(queue) {
      asked.push(queue.webhookId);
      const turn = answer(queue.webhookId);
      if (turn === "started") queue.ready.shift();
      return turn;
    },
  });
  const queues = Object.entries(counts).map(([webhookId, count]) => {
    const queue = new WebhookQueue(webhookId);
    queue.ready.push(...Array.from({ length: count }, (_, number) => ({ id: `${webhookId}_${number}` }) as DueDelivery));
    round.add(queue);
    return queue;
  });
  return { round, queues, asked };
}

test("each webhook starts one before any starts a second", () => {
  const { round, asked } = rounds({ a: 3, b: 1, c: 2 }, () => "started");
  round.go();
  expect(asked.join("")).toBe("abcaca");
});

test("who cannot be served is asked once, however long the others go on, and all are asked again when something has changed", () => {
  let free = 2;
  const { round, asked } = rounds({ a: 9, b: 9, c: 9 }, (id) => (id === "a" ? "full" : free-- > 0 ? "started" : "full"));
  round.go();
  expect(asked.join("")).toBe("abcabc");
  asked.length = 0;
  free = 1;
  round.go();
  expect(asked.join("")).toBe("abcab");
});

test("who waits for something of its own is not asked again until it is added", () => {
  const { round, queues, asked } = rounds({ a: 1, b: 1 }, () => "wait");
  round.go();
  round.go();
  expect(asked.join("")).toBe("ab");
  round.add(queues[1] as WebhookQueue);
  round.go();
  expect(asked.join("")).toBe("abb");
});

test("the one whose attempt ended goes on first, and whoever is served stands behind many that cannot be", async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`full-${index}`, 1]));
  const started: string[] = [];
  const { round, queues } = rounds({ ...many, last: 1, own: 2 }, (id) => {
    if (id.startsWith("full")) return "full";
    started.push(id);
    return "started";
  });
  round.goOn(queues.at(-1));
  expect(started).toEqual(["own"]);
  for (let turn = 0; turn < 100 && started.length < 3; turn += 1) await nextTurn();
  expect(started.toSorted()).toEqual(["last", "own", "own"]);
});

test("nothing is started while nothing may be", async () => {
  const { round, queues, asked } = rounds(
    { a: 1 },
    () => "started",
    () => false,
  );
  round.go();
  round.goOn(queues[0]);
  await nextTurn();
  await nextTurn();
  expect(asked).toEqual([]);
});
