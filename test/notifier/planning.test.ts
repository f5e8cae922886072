import { expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import { openReceiver } from "../receivers/receiver";
import { Scene } from "./scene";
import { bestOf, timeOf } from "../bestOf";
import { until } from "../until";

test("a webhook is owed exactly the changes recorded after its creation that match its filter", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.change(["a", "b"], 3);
  const early = await scene.addWebhook(receiver.url, { filter: { sensorIds: ["a"] } });
  await scene.change(["a", "b"], 2);
  const late = await scene.addWebhook(receiver.url);
  await scene.change(["b"]);
  await scene.start();
  await scene.settled();
  const owed = async (id: string) => (await scene.deliveries(id)).map(({ sensorId, revision }) => `${sensorId}${revision}`);
  expect(await owed(early.id)).toEqual(["a4", "a5"]);
  expect(await owed(late.id)).toEqual(["b6"]);
});

test("an edit that planning need not know of reads no webhook anew, and any other reads only what it made", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const { id } = await scene.addWebhook(receiver.url);
  const known: (number | null)[] = [];
  let plans = 0;
  const store = {
    ...scene.store,
    webhookSet: (before: Parameters<typeof scene.store.webhookSet>[0]) => {
      known.push(before?.version ?? null);
      return scene.store.webhookSet(before);
    },
    commitPlan: async (plan: Parameters<typeof scene.store.commitPlan>[0]) => {
      const outcome = await scene.store.commitPlan(plan);
      plans += 1;
      return outcome;
    },
  };
  const { notifier } = await scene.start({ store });
  await until(() => plans > 0);
  for (const description of ["one", "two"]) {
    await scene.store.updateWebhook(id, { description }, null);
    const before = plans;
    notifier.webhooksChanged();
    await until(() => plans > before);
  }
  expect(known).toEqual([null]);
  await scene.store.updateWebhook(id, { filter: { sensorIds: ["b"] } }, null);
  notifier.webhooksChanged();
  await until(() => known.length === 2);
  expect(known).toEqual([null, 1]);
  await scene.change(["a", "b"]);
  await scene.settled();
  expect((await scene.deliveries(id)).map(({ sensorId }) => sensorId)).toEqual(["b"]);
});

test("edits decide by the change's number, not by when it is planned", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const { id } = await scene.addWebhook(receiver.url, { filter: { sensorIds: ["a"] } });
  await scene.change(["a", "b"]);
  await scene.store.updateWebhook(id, { filter: { sensorIds: ["b"] } }, null);
  await scene.change(["a", "b"]);
  await scene.store.updateWebhook(id, { state: "disabled" }, null);
  await scene.change(["a", "b"]);
  await scene.store.updateWebhook(id, { state: "active" }, null);
  await scene.change(["a", "b"]);
  await scene.start();
  await scene.settled();
  const fates = (await scene.deliveries(id)).map(({ sensorId, revision, state, reason }) => [sensorId, revision, state, reason]);
  expect(fates).toEqual([
    ["a", 1, "delivered", null],
    ["b", 2, "delivered", null],
    ["b", 3, "skipped", "disabled"],
    ["b", 4, "delivered", null],
  ]);
});

test("an edit that comes between matching and committing is noticed, and the changes are matched anew", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const first = await scene.addWebhook(receiver.url);
  let raced: Promise<string> | null = null;
  const store = {
    ...scene.store,
    commitPlan: async (plan: Parameters<typeof scene.store.commitPlan>[0]) => {
      if (plan.deliveries.length > 0) raced ??= scene.addWebhook(receiver.url).then(({ id }) => id);
      await raced;
      return scene.store.commitPlan(plan);
    },
  };
  await scene.start({ store });
  await scene.change(["a"]);
  await scene.settled();
  await scene.change(["a"]);
  await scene.settled();
  const second = await (raced as Promise<string> | null);
  expect((await scene.deliveries(first.id)).map(({ revision }) => revision)).toEqual([1, 2]);
  // It was created after the first change, although before that was planned.
  expect((await scene.deliveries(second ?? "")).map(({ revision }) => revision)).toEqual([2]);
});

test("a plan whose answer is lost is planned once, and costs nobody the lease, though more changes came meanwhile", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const { id } = await scene.addWebhook(receiver.url);
  let lost = false;
  const store = {
    ...scene.store,
    commitPlan: async (plan: Parameters<typeof scene.store.commitPlan>[0]) => {
      const outcome = await scene.store.commitPlan(plan);
      if (lost || plan.deliveries.length === 0) return outcome;
      lost = true;
      await scene.change(["a"]);
      throw new Error("the answer was lost");
    },
  };
  const running = await scene.start({ store });
  await scene.change(["a"]);
  await scene.settled();
  expect(lost).toBe(true);
  expect((await scene.deliveries(id)).map(({ revision, state }) => [revision, state])).toEqual([
    [1, "delivered"],
    [2, "delivered"],
  ]);
  expect(running.lost()).toBe(false);
});

test("under a stream of edits and changes no webhook misses a change or gets one that it is not owed", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const { notifier } = await scene.start();
  const expected = new Map<string, number[]>();
  for (let round = 1; round <= 30; round += 1) {
    const { id } = await scene.addWebhook(receiver.url);
    if (round % 2 === 0) notifier.webhooksChanged();
    expected.set(id, []);
    await scene.change(["a"]);
    for (const revisions of expected.values()) revisions.push(round);
  }
  await scene.settled();
  for (const [id, revisions] of expected) {
    expect((await scene.deliveries(id)).map(({ revision }) => revision)).toEqual(revisions);
  }
}, 60_000);

test("changes are planned without any wake, and wakes that cannot be had are asked for again", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.addWebhook(receiver.url);
  let asked = 0;
  const watch = () => {
    asked += 1;
    return Promise.reject(new Error("the broker is away"));
  };
  await scene.start({ watch });
  await scene.change(["a"]);
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(1);
  await until(() => asked > 1, "it was not asked again");
});

test("a wake leads to a delivery at once", async () => {
  // Without it the planner would look after half a second.
  const belowMs = 250;
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.addWebhook(receiver.url);
  await scene.start();
  // The look with which it begins may bring the first.
  await scene.change(["a"]);
  await scene.settled();
  let arrived = 1;
  const lag = () =>
    timeOf(async () => {
      await scene.change(["a"]);
      await until(() => receiver.arrivals.length > arrived, "nothing arrived");
      arrived += 1;
    });
  expect(await bestOf(belowMs, lag)).toBeLessThan(belowMs);
});

test("a quiet start is no news unless the filter asks for it", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const quiet = await scene.addWebhook(receiver.url);
  const initial = await scene.addWebhook(receiver.url, { filter: { initial: true } });
  await scene.start();
  await scene.say("a", "ok", "ok");
  await scene.say("a", "hot", "critical");
  await scene.settled();
  expect((await scene.deliveries(quiet.id)).map(({ revision }) => revision)).toEqual([2]);
  expect((await scene.deliveries(initial.id)).map(({ revision }) => revision)).toEqual([1, 2]);
});

test("a plan that is too much for the database at once is made in parts, and everybody is owed all of it in order", async () => {
  const [changes, most, timeOutMs] = [40, 12, 2100];
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const { id } = await scene.addWebhook(receiver.url);
  await scene.change(["a", "b"], changes / 2);
  /** A database that ends what it would write too long, as Postgres does at its `statement_timeout`. */
  const store = {
    ...scene.store,
    async commitPlan(plan: Parameters<typeof scene.store.commitPlan>[0]) {
      if (plan.deliveries.length <= most) return scene.store.commitPlan(plan);
      await Bun.sleep(timeOutMs);
      throw new Fault("unavailable", "the database took too long to answer");
    },
  };
  const { lost } = await scene.start({ store });
  await until(async () => (await scene.deliveries(id)).length === changes, "not all of it was planned", 60_000);
  await scene.settled();
  expect(lost()).toBe(false);
  for (const sensor of ["a", "b"]) {
    const revisions = receiver.arrivals.filter(({ sensorId }) => sensorId === sensor);
    expect(revisions.map(({ revision }) => revision)).toEqual(Array.from({ length: changes / 2 }, (_, index) => index + 1));
  }
});
