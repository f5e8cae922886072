import { expect, test } from "bun:test";
import { SETTINGS_DEFAULT, type Webhook } from "../../src/domain/webhook";
import { createSlots } from "../../src/notifier/webhook/slots";
import { divideRates } from "../../src/notifier/webhook/rates";
import { createTraffic, type Traffic } from "../../src/notifier/webhook/traffic";
import { activeWebhook } from "./activeWebhook";

const NOW = 1_000_000_000;

function webhook(id: string, ratePerSecond: number | null = null): Webhook {
  const settings = { ...SETTINGS_DEFAULT, ratePerSecond };
  return activeWebhook({ id, concurrency: 1000, settings, createdAt: NOW, updatedAt: NOW });
}

/** Sends as often as it may in `ms`, in steps of one; gives when. */
function sendFor(ms: number, traffic: Traffic, to: Webhook): number[] {
  const sent: number[] = [];
  for (let now = NOW; now < NOW + ms; now += 1) {
    while (traffic.admit(to, false, now).kind === "now") {
      sent.push(now - NOW);
      traffic.end(traffic.start(to, false, now), to, { result: "answered", timedOut: false, now });
    }
  }
  return sent;
}

test.each([0.5, 3, 40, 500, 4000])("a rate of %d a second is kept, evenly, from the first second on", (rate) => {
  const seconds = rate < 1 ? 20 : 3;
  const sent = sendFor(seconds * 1000, createTraffic(), webhook("a", rate));
  expect(Math.abs(sent.length - rate * seconds)).toBeLessThanOrEqual(Math.max(1, rate * 0.02));
  // No stretch of 100 ms has more than its share, and what timers are too coarse for.
  const most = Math.max(...sent.map((at) => sent.filter((other) => other >= at && other < at + 100).length));
  expect(most).toBeLessThanOrEqual(Math.ceil(rate * 0.11) + 1);
});

test("a node takes its share of a rate, as it is now", () => {
  let rateShare = 1 / 4;
  const traffic = createTraffic({ rates: divideRates(() => rateShare) });
  expect(sendFor(1000, traffic, webhook("a", 100))).toHaveLength(26);
  rateShare = 1;
  expect(sendFor(1000, traffic, webhook("b", 100))).toHaveLength(101);
});

test("who is paced says when the next one may come", () => {
  const traffic = createTraffic();
  const slow = webhook("a", 1);
  traffic.start(slow, false, NOW);
  expect(traffic.admit(slow, false, NOW)).toEqual({ kind: "later", at: NOW + 990 });
});

test("what failed before never takes all slots: half of them are for first attempts", () => {
  const traffic = createTraffic({ slots: createSlots(100) });
  let retries = 0;
  for (let id = 0; traffic.admit(webhook(`${id}`), true, NOW).kind === "now"; id += 1) {
    traffic.start(webhook(`${id}`), true, NOW);
    retries += 1;
  }
  expect(retries).toBe(50);
  expect(traffic.admit(webhook("another"), true, NOW).kind).toBe("full");
  expect(traffic.admit(webhook("another"), false, NOW).kind).toBe("now");
});

test("attempts that were abandoned say nothing of the endpoint", () => {
  const opened: string[] = [];
  const traffic = createTraffic({ onCircuit: (webhookId) => opened.push(webhookId) });
  const abandoned = webhook("a");
  for (let time = 0; time < 50; time += 1) {
    traffic.end(traffic.start(abandoned, false, NOW), abandoned, { result: null, timedOut: false, now: NOW });
  }
  expect(traffic.admit(abandoned, false, NOW).kind).toBe("now");
  expect(opened).toEqual([]);
});

test("all who listen hear of each end, and another one first each time", () => {
  const traffic = createTraffic();
  const order: string[] = [];
  for (const name of ["x", "y", "z"]) traffic.onFree(() => order.push(name));
  for (let time = 0; time < 3; time += 1) {
    const to = webhook("a");
    traffic.end(traffic.start(to, false, NOW), to, { result: "answered", timedOut: false, now: NOW });
  }
  expect(order.join("")).toBe("xyzyzxzxy");
});

test("how an attempt at the address before ended does not count for the new one", () => {
  const traffic = createTraffic();
  const before = webhook("a");
  const slots = Array.from({ length: 16 }, () => traffic.start(before, false, NOW));
  const after = { ...before, version: 2, url: "https://new.example/" };
  expect(traffic.admit(after, false, NOW).kind).toBe("now");
  traffic.hold(before, NOW + 60_000, NOW);
  for (const slot of slots.splice(0, 8)) traffic.end(slot, before, { result: "failed", timedOut: false, now: NOW });
  expect(traffic.admit(after, false, NOW).kind).toBe("now");
  for (let time = 0; time < 5; time += 1) {
    traffic.end(traffic.start(after, false, NOW), after, { result: "failed", timedOut: false, now: NOW });
  }
  for (const slot of slots) traffic.end(slot, before, { result: "answered", timedOut: false, now: NOW });
  expect(traffic.admit(after, false, NOW).kind).toBe("later");
});

test("whoever counts the circuits that are open is told of one that began so", () => {
  let open = 0;
  const traffic = createTraffic({ onCircuit: (_, isOpen) => (open += isOpen ? 1 : -1) });
  const distrusted = { ...webhook("a"), failingSince: NOW - 60_000 };
  traffic.admit(distrusted, false, NOW);
  expect(open).toBe(1);
  traffic.end(traffic.start(distrusted, true, NOW), distrusted, { result: "answered", timedOut: false, now: NOW });
  expect(open).toBe(0);
});
