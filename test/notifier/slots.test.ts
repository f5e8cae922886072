import { expect, test } from "bun:test";
import { createSlots, type Slot, type Slots } from "../../src/notifier/webhook/slots";

const LIMIT = 16;

/** Starts as many as it may. */
function fill(slots: Slots, webhookId: string, concurrency = LIMIT): Slot[] {
  const started: Slot[] = [];
  while (slots.mayStart(webhookId, concurrency) === "now") started.push(slots.start(webhookId));
  return started;
}

test("a webhook alone gets all that its limit allows, over all who share the slots", () => {
  const slots = createSlots(240);
  expect(fill(slots, "a", 100)).toHaveLength(100);
  expect(fill(slots, "a", 100)).toHaveLength(0);
});

test("however many webhooks hang from the beginning, there is room for those that are known to answer", () => {
  const slots = createSlots(240);
  for (const id of ["healthy-1", "healthy-2"]) slots.end(slots.start(id), false);
  for (let count = 0; count < 500; count += 1) fill(slots, `hanging-${count}`);
  expect(slots.mayStart("new", LIMIT)).toBe("full");
  expect(fill(slots, "healthy-1").length).toBeGreaterThan(0);
  expect(fill(slots, "healthy-2").length).toBeGreaterThan(0);
});

test("fifty webhooks that answered and begin to hang at once leave room for one that answers", () => {
  const slots = createSlots(240);
  for (let count = 0; count < 50; count += 1) slots.end(slots.start(`hanging-${count}`), false);
  for (let count = 0; count < 50; count += 1) fill(slots, `hanging-${count}`);
  expect([slots.mayStart("new", LIMIT), slots.mayStart("hanging-0", LIMIT)]).toEqual(["full", "busy"]);
  slots.end(slots.start("healthy"), false);
  expect(slots.mayStart("healthy", LIMIT)).toBe("now");
});

test("webhooks that timed out share one half of the slots, until an attempt of theirs ends in time", () => {
  const slots = createSlots(240);
  for (let count = 0; count < 50; count += 1) {
    const [first, ...others] = fill(slots, `hanging-${count}`, 1);
    if (first !== undefined) slots.end(first, true);
    expect(others).toHaveLength(0);
  }
  let running = 0;
  for (let count = 0; count < 50; count += 1) running += fill(slots, `hanging-${count}`).length;
  expect(running).toBe(120);
  expect(slots.mayStart("hanging-49", LIMIT)).toBe("full");
  expect(fill(slots, "healthy").length).toBe(LIMIT / 2);
  const mended = slots.start("hanging-49");
  slots.end(mended, false);
  expect(slots.mayStart("hanging-49", LIMIT)).toBe("now");
});

test("whoever waits is told of each slot that becomes free, and of none after leaving", () => {
  const slots = createSlots(1);
  let told = 0;
  const leave = slots.onFree(() => (told += 1));
  const slot = slots.start("a");
  expect(slots.mayStart("b", LIMIT)).toBe("full");
  slots.end(slot, false);
  expect(told).toBe(1);
  expect(slots.mayStart("b", LIMIT)).toBe("now");
  leave();
  slots.end(slots.start("b"), false);
  expect(told).toBe(1);
});
