import { expect, test } from "bun:test";
import { ItemResults } from "../../src/http/bulk/itemResults";
import { packItems, unpackItems } from "../../src/http/bulk/thread/orders";
import { ReportThread } from "../../src/http/bulk/thread/threadIntake";
import { startWorker } from "../../src/reportThread";

const bytes = (text: string) => new TextEncoder().encode(text);

test("items change hands as they are, and those of which nothing was kept", () => {
  const items = [bytes("one"), null, bytes(""), bytes("three"), null];
  expect(unpackItems(packItems(items))).toEqual(items);
});

test("results that were found out elsewhere are told as if they had been found out here", () => {
  const elsewhere = new ItemResults();
  const here = new ItemResults();
  for (const results of [elsewhere, here]) results.add(3);
  elsewhere.accept(0, 202, { number: 7, fields: '"sequence":#' });
  elsewhere.refuse(1, { status: 404, detail: "There is no sensor a." });
  elsewhere.accept(2, 202, { number: 8, fields: '"sequence":#' });
  here.adopt(structuredClone(elsewhere.packed()));
  expect([here.accepted, here.refused, here.isRefused(0), here.isRefused(1)]).toEqual([2, 1, false, true]);
  expect([0, 1, 2].map((index) => here.textOf(index))).toEqual([0, 1, 2].map((index) => elsewhere.textOf(index)));
});

test.each(["throws", "exits"])(
  "when the thread %s, each report of what it had in hand gets 503, and the next request has another one",
  async (way) => {
    const started: Worker[] = [];
    const thread = new ReportThread({
      start(heard, ended) {
        const worker = startWorker(new URL("./endingThread.ts", import.meta.url), heard, ended);
        worker.postMessage(way);
        started.push(worker);
        return { order: (order, transfer) => worker.postMessage(order, [...transfer]) };
      },
      store: { loadSensors: () => Promise.reject(new Error("nobody is looked up")) },
    });
    for (const request of [1, 2]) {
      const results = new ItemResults();
      const intake = thread.open(results, { reach: null, key: undefined, failed: () => {} });
      for (const _ of [0, 1, 2]) await intake.take([bytes('{"sensorId":"a","status":"ok"}')], results.add(1));
      await intake.settled();
      expect([results.accepted, results.refused]).toEqual([0, 3]);
      expect(results.textOf(2)).toContain('"status":503');
      expect(started.length).toBe(request);
    }
  },
);
