import { expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { openReceiver } from "../receivers/receiver";
import { HurriedClock } from "./hurriedClock";
import { fates, newSecret, Scene } from "./scene";
import { until } from "../until";

const TEST_MS = 60_000;
const named = (count: number) => Array.from({ length: count }, (_, index) => `sensor-${index}`);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

interface BatchItem {
  readonly id: string;
  readonly data: { readonly sensorId: string; readonly revision: number };
}

function itemsOf({ body }: { body: string }): readonly BatchItem[] {
  return (JSON.parse(body) as { items: readonly BatchItem[] }).items;
}

test("a batch holds what came within its time, no more than its limit, each sensor's changes in their order", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.addWebhook(receiver.url, { secrets: [newSecret()], settings: { batch: { maxItems: 30, maxWaitMs: 200 } } });
  await scene.start();
  await scene.change(named(10), 10);
  await scene.settled();
  const batches = receiver.arrivals.map(itemsOf);
  expect(batches.map(({ length }) => length)).toEqual([30, 30, 30, 10]);
  const revisions = Map.groupBy(batches.flat(), ({ data }) => data.sensorId);
  for (const ofSensor of revisions.values()) expect(ofSensor.map(({ data }) => data.revision)).toEqual(upTo(10));
  expect(new Set(batches.flat().map(({ id }) => id)).size).toBe(100);
});

test("a batch leaves as soon as it is full, also when it filled bit by bit", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url, { settings: { batch: { maxItems: 3, maxWaitMs: 60_000 } } });
  await scene.start();
  for (const count of [1, 2]) {
    await scene.change(named(1), 1);
    await until(async () => (await scene.deliveries(webhook.id)).length === count, "it is not planned");
    // Time for the first to begin its wait.
    await Bun.sleep(50);
  }
  expect(receiver.arrivals.length).toBe(0);
  await scene.change(named(1), 1);
  await until(() => receiver.arrivals.length === 1, "the full batch waits");
  expect(receiver.arrivals.map(itemsOf).map(({ length }) => length)).toEqual([3]);
});

test("a batch that is not taken comes again whole and in the same order, before what follows, under the same id", async () => {
  await using scene = await Scene.open();
  let failures = 2;
  await using receiver = openReceiver(() => ({ status: failures-- > 0 ? 500 : 204 }));
  const webhook = await scene.addWebhook(receiver.url, { settings: { batch: { maxItems: 10, maxWaitMs: 20 } } });
  const clock = new HurriedClock();
  const { notifier } = await scene.start({ clock });
  await scene.change(named(5), 6);
  for (const count of [1, 2]) {
    await until(() => receiver.arrivals.length === count, "it was not tried");
    await until(
      async () => (await scene.deliveries(webhook.id)).filter(({ attempts }) => attempts.length === count).length === 10,
      "unwritten",
    );
    clock.advance(31_000);
    notifier.webhooksChanged();
  }
  await scene.settled();
  const [first, second, third, ...others] = receiver.arrivals;
  expect([second?.id, third?.id]).toEqual([first?.id, first?.id] as [string, string]);
  expect([second?.body, third?.body]).toEqual([first?.body, first?.body] as [string, string]);
  const taken = [third as NonNullable<typeof third>, ...others].flatMap(itemsOf);
  for (const ofSensor of Map.groupBy(taken, ({ data }) => data.sensorId).values()) {
    expect(ofSensor.map(({ data }) => data.revision)).toEqual(upTo(6));
  }
});

test(
  "a batch that is refused for what it says comes in smaller ones, until the change that is not taken stands alone and fails",
  async () => {
    await using scene = await Scene.open();
    await using receiver = openReceiver(({ body }) => ({
      status: itemsOf({ body }).some(({ data }) => data.sensorId === "sensor-7" && data.revision === 1) ? 422 : 204,
    }));
    const webhook = await scene.addWebhook(receiver.url, {
      settings: { batch: { maxItems: 40, maxWaitMs: 20 }, retrySchedule: [1] },
    });
    await scene.start();
    await scene.change(named(20), 2);
    await scene.settled();
    const ended = await fates(scene, webhook);
    expect(Object.entries(ended).filter(([, fate]) => fate !== "delivered")).toEqual([["sensor-7 1", "failed rejected"]]);
    expect(Object.keys(ended)).toHaveLength(40);
  },
  TEST_MS,
);

test("a batch is closed by its size, too, and what did not fit comes next, in order", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.addWebhook(receiver.url, { settings: { batch: { maxItems: 100, maxWaitMs: 200 } } });
  await scene.start();
  await scene.change(named(5), 10, { padding: "x".repeat(50_000) });
  await scene.settled();
  const batches = receiver.arrivals.map(itemsOf);
  expect(batches.map(({ length }) => length)).toEqual([21, 21, 8]);
  for (const ofSensor of Map.groupBy(batches.flat(), ({ data }) => data.sensorId).values()) {
    expect(ofSensor.map(({ data }) => data.revision)).toEqual(upTo(10));
  }
});

test("batches keep the order of planning when the answer to a plan was lost, and when another node left a backlog", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.addWebhook(receiver.url, { settings: { batch: { maxItems: 100, maxWaitMs: 50 } } });
  let [isAway, plans] = [true, 0];
  const settle: typeof scene.store.settle = async (...settling) => {
    if (isAway) throw new Fault("unavailable", "the store is away");
    return scene.store.settle(...settling);
  };
  const commitPlan: typeof scene.store.commitPlan = async (plan) => {
    const outcome = await scene.store.commitPlan(plan);
    if (plan.deliveries.length > 0 && (plans += 1) === 2) throw new Fault("unavailable", "the answer was lost");
    return outcome;
  };
  const first = await scene.start({ store: { ...scene.store, settle, commitPlan } });
  await scene.change(["a", "b"]);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await scene.change(["a", "b"]);
  await until(() => plans === 2, "it was not planned");
  await scene.change(["a", "b"]);
  await until(() => receiver.arrivals.flatMap(itemsOf).length === 6, "it did not arrive");
  isAway = false;
  await scene.settled();
  // Planned, and left in the table: nobody sends.
  await first.stop();
  const planning = await scene.start({ isHeld: () => false });
  await scene.change(["a", "b"], 2);
  await until(
    async () => (await scene.store.listDeliveries({ states: ["pending"] }, { limit: 10, cursor: null })).items.length === 4,
    "unplanned",
  );
  await planning.stop(0);
  await scene.change(["a", "b"]);
  await scene.start();
  await scene.settled();
  for (const ofSensor of Map.groupBy(receiver.arrivals.flatMap(itemsOf), ({ data }) => data.sensorId).values()) {
    expect(ofSensor.map(({ data }) => data.revision)).toEqual(upTo(6));
  }
});

test(
  "a change that is not taken is tried at the pace of the first failures, however many batches it came in before",
  async () => {
    await using scene = await Scene.open();
    await using receiver = openReceiver(({ body }) => ({
      status: itemsOf({ body }).some(({ data }) => data.sensorId === "sensor-0") ? 422 : 204,
    }));
    const webhook = await scene.addWebhook(receiver.url, {
      settings: { batch: { maxItems: 64, maxWaitMs: 50 }, retrySchedule: [1, 2, 600] },
    });
    await scene.start();
    await scene.change(named(64));
    await scene.settled();
    expect((await fates(scene, webhook))["sensor-0 1"]).toBe("failed rejected");
  },
  TEST_MS,
);
