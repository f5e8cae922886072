import { expect, test } from "bun:test";
import type { Webhook } from "../../src/domain/webhook";
import { Circuit, HOLD_MAX_MS, HOLD_MS, OPENS_AFTER } from "../../src/notifier/webhook/circuit";
import { activeWebhook } from "./activeWebhook";

const NOW = 1_000_000_000;
const CONCURRENCY = 16;

const webhook = (edit: Partial<Webhook> = {}) => activeWebhook({ concurrency: CONCURRENCY, createdAt: NOW, updatedAt: NOW, ...edit });

/** A circuit with a clock of its own, and waits that are not stretched. */
class Endpoint {
  now = NOW;
  readonly circuit: Circuit;

  constructor(public webhook: Webhook) {
    this.circuit = new Circuit(webhook, NOW);
  }

  /** How many may run at once now; the time from which on one may, as a negative wait. */
  get leave(): number {
    const leave = this.circuit.leave(this.webhook, this.now);
    return leave.kind === "open" ? leave.atOnce : this.now - leave.until;
  }

  fails(times = 1): void {
    for (let time = 0; time < times; time += 1) this.circuit.ended("failed", this.webhook, { now: this.now, random: 0 });
  }

  answers(times = 1): void {
    for (let time = 0; time < times; time += 1) this.circuit.ended("answered", this.webhook, { now: this.now, random: 0 });
  }
}

test("an endpoint that fails now and then is sent to as before; after so many failures in a row it is left alone", () => {
  const endpoint = new Endpoint(webhook());
  for (let round = 0; round < 20; round += 1) {
    endpoint.fails(OPENS_AFTER - 1);
    endpoint.answers();
  }
  expect(endpoint.leave).toBe(CONCURRENCY);
  endpoint.fails(OPENS_AFTER);
  expect(endpoint.leave).toBe(-HOLD_MS);
});

test("what ran when it was left alone does not lengthen the hold", () => {
  const endpoint = new Endpoint(webhook());
  endpoint.fails(CONCURRENCY);
  expect(endpoint.leave).toBe(-HOLD_MS);
});

test("a probe that fails doubles the hold, up to a limit; one that is answered ends it", () => {
  const endpoint = new Endpoint(webhook());
  endpoint.fails(OPENS_AFTER);
  const holds: number[] = [];
  for (let probe = 0; probe < 8; probe += 1) {
    holds.push(-endpoint.leave);
    endpoint.now -= endpoint.leave;
    expect(endpoint.leave).toBe(1);
    endpoint.fails();
  }
  expect(holds).toEqual([1, 2, 4, 8].map((times) => times * HOLD_MS).concat(Array(4).fill(HOLD_MAX_MS)));
  endpoint.now -= endpoint.leave;
  endpoint.answers();
  expect(endpoint.leave).toBe(2);
});

test("it recovers step by step, and a failure on the way halves the steps", () => {
  const endpoint = new Endpoint(webhook());
  endpoint.fails(OPENS_AFTER);
  endpoint.now += HOLD_MS;
  endpoint.answers();
  const steps = [endpoint.leave];
  endpoint.answers(2);
  steps.push(endpoint.leave);
  endpoint.answers(4);
  steps.push(endpoint.leave);
  endpoint.fails();
  steps.push(endpoint.leave);
  endpoint.answers(4 + 8);
  steps.push(endpoint.leave);
  expect(steps).toEqual([2, 4, 8, 4, CONCURRENCY]);
  // It is closed again: the next hold is as long as the first.
  endpoint.fails(OPENS_AFTER);
  expect(endpoint.leave).toBe(-HOLD_MS);
});

test("what the endpoint itself asked for holds, whichever node was told, and is not shortened by an answer that was under way", () => {
  const endpoint = new Endpoint(webhook());
  endpoint.circuit.hold(NOW + 60_000);
  endpoint.answers();
  expect(endpoint.leave).toBe(-60_000);
  endpoint.webhook = webhook({ heldUntil: NOW + 90_000 });
  expect(endpoint.leave).toBe(-90_000);
  endpoint.now += 90_000;
  expect(endpoint.leave).toBe(CONCURRENCY);
});

test("an answer that another node got ends the hold with a probe at once", () => {
  const endpoint = new Endpoint(webhook());
  endpoint.fails(OPENS_AFTER);
  endpoint.now += 1000;
  endpoint.webhook = webhook({ lastSuccessAt: NOW + 500 });
  expect(endpoint.leave).toBe(1);
});

test("a webhook that was failing when the node started begins with a probe, one that has just begun to fail does not", () => {
  expect(new Endpoint(webhook({ failingSince: NOW - 60_000 })).leave).toBe(1);
  expect(new Endpoint(webhook({ failingSince: NOW - 1000 })).leave).toBe(CONCURRENCY);
});

test("another address, and a webhook that is opened again, is another endpoint", () => {
  const endpoint = new Endpoint(webhook());
  endpoint.fails(OPENS_AFTER);
  expect(endpoint.circuit.holdsFor(webhook({ failingSince: NOW }))).toBe(true);
  expect(endpoint.circuit.holdsFor(webhook({ version: 2, description: "edited", failingSince: NOW }))).toBe(true);
  expect(endpoint.circuit.holdsFor(webhook({ url: "https://elsewhere.example/", version: 3, failingSince: NOW }))).toBe(false);
  expect(endpoint.circuit.holdsFor(webhook({ version: 4, failingSince: null }))).toBe(false);
});

test("where another node is answered and this one is not, each success there brings no more than one probe here, then the holds count", () => {
  const endpoint = new Endpoint(webhook());
  endpoint.fails(OPENS_AFTER);
  let probes = 0;
  for (let second = 1; second <= 300; second += 1) {
    endpoint.now += 1000;
    endpoint.webhook = webhook({ lastSuccessAt: endpoint.now - 1 });
    while (endpoint.leave > 0 && probes < 1000) {
      endpoint.fails();
      probes += 1;
    }
  }
  expect(probes).toBeLessThan(12);
});

test("what is sent by an older knowledge of the webhook, or was sent to its old address, is no news of it", () => {
  const endpoint = new Endpoint(webhook({ version: 2 }));
  endpoint.fails(OPENS_AFTER);
  expect(endpoint.circuit.holdsFor(webhook({ version: 1 }))).toBe(true);
  expect(endpoint.circuit.holdsFor(webhook({ version: 1, url: "https://old.example/" }))).toBe(true);
  expect(endpoint.circuit.holdsFor(webhook({ version: 2 }))).toBe(true);
});
