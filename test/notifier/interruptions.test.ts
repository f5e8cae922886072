import { expect, test } from "bun:test";
import { Fault } from "../../src/domain/fault";
import type { Store } from "../../src/store/store";
import { openHostile } from "../receivers/hostile";
import { firstRevisions, openReceiver } from "../receivers/receiver";
import { Scene } from "./scene";
import { until } from "../until";

const named = (count: number) => Array.from({ length: count }, (_, index) => `sensor-${index}`);

test("without its lease a node sends nothing, and goes on when it has it again", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  let held = false;
  await scene.start({ isHeld: () => held });
  await scene.change(["a"], 2);
  await until(async () => (await scene.deliveries(webhook.id)).length === 2, "it was not planned");
  await Bun.sleep(100);
  expect(receiver.arrivals).toEqual([]);
  held = true;
  await scene.settled();
  expect(receiver.arrivals.map(({ revision }) => revision)).toEqual([1, 2]);
});

test("a node whose lease was taken learns of it when it plans or settles, and writes and sends nothing more", async () => {
  await using scene = await Scene.open();
  const answer = Promise.withResolvers<void>();
  await using receiver = openReceiver(() => ({ status: 204, after: answer.promise }));
  const webhook = await scene.addWebhook(receiver.url);
  const zombie = await scene.start();
  await scene.change(["a"], 2);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await scene.acquire();
  answer.resolve();
  await until(() => zombie.lost(), "it did not learn of it");
  await scene.change(["b"]);
  await Bun.sleep(50);
  expect(receiver.arrivals).toHaveLength(1);
  expect(await scene.deliveries(webhook.id)).toMatchObject([
    { state: "pending", attempts: [] },
    { state: "pending", attempts: [] },
  ]);
  await zombie.stop(0);
});

test("a planner whose lease was taken plans nothing", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  const zombie = await scene.start();
  await scene.acquire();
  await scene.change(["a"]);
  await until(() => zombie.lost(), "it did not learn of it");
  expect(await scene.deliveries(webhook.id)).toEqual([]);
});

test("stopping lets running attempts finish within the grace and writes their outcomes", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver(() => ({ status: 204, after: Bun.sleep(150) }));
  const webhook = await scene.addWebhook(receiver.url);
  const running = await scene.start();
  await scene.change(["a"], 2);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  await running.stop(2000);
  expect((await scene.deliveries(webhook.id)).map(({ state }) => state)).toEqual(["delivered", "pending"]);
  expect(receiver.arrivals).toHaveLength(1);
});

test("an attempt that outlasts the grace has no outcome, and is made again after the next start under the same id", async () => {
  await using scene = await Scene.open();
  const never = Promise.withResolvers<void>();
  let hangs = true;
  await using receiver = openReceiver(() => ({ status: 204, after: hangs ? never.promise : undefined }));
  const webhook = await scene.addWebhook(receiver.url);
  const running = await scene.start();
  await scene.change(["a"]);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  // Were it waited for, it would end as too late, and have an outcome.
  await running.stop(50);
  expect(await scene.deliveries(webhook.id)).toMatchObject([{ state: "pending", attempts: [] }]);
  hangs = false;
  await scene.start();
  await scene.settled();
  never.resolve();
  const [first, second] = receiver.arrivals;
  expect(second?.id).toBe(first?.id as string);
  expect(second?.body).toBe(first?.body as string);
});

test("nothing is left open after stopping", async () => {
  await using scene = await Scene.open();
  await using hanging = await openHostile("hang");
  await scene.addWebhook(hanging.url);
  const running = await scene.start();
  await scene.change(named(30));
  await until(() => hanging.open() === 16, "nothing arrived");
  await running.stop(0);
  await until(() => hanging.open() === 0, "a connection is open");
});

test("while the store is away no outcome is lost, and nothing is sent twice", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  await scene.addWebhook(receiver.url);
  let away = false;
  let refused = 0;
  const store = faulty(
    scene.store,
    ["settle", "dueHeads", "nextDue", "commitPlan", "changesAfter", "webhookById", "webhooksById", "webhookSet"],
    () => {
      if (away) refused += 1;
      return away;
    },
  );
  const { notifier } = await scene.start({ store });
  await scene.change(named(20), 2);
  await until(() => receiver.arrivals.length >= 5, "nothing arrived");
  away = true;
  notifier.webhooksChanged();
  await until(() => refused > 10, "the store is not asked");
  const sent = receiver.arrivals.length;
  await Bun.sleep(300);
  expect(receiver.arrivals.length).toBeLessThanOrEqual(sent + 16);
  away = false;
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(40);
  expect(new Set(receiver.arrivals.map(({ id }) => id)).size).toBe(40);
  for (const revisions of Object.values(firstRevisions(receiver.arrivals))) expect(revisions).toEqual([1, 2]);
});

test("stopping does not wait for a store that is away", async () => {
  await using scene = await Scene.open();
  await using receiver = openReceiver();
  const webhook = await scene.addWebhook(receiver.url);
  let away = true;
  const running = await scene.start({ store: faulty(scene.store, ["settle"], () => away) });
  await scene.change(["a"]);
  await until(() => receiver.arrivals.length === 1, "nothing arrived");
  // It stays away until this is over.
  await running.stop(100);
  away = false;
  await scene.start();
  await scene.settled();
  expect(receiver.arrivals).toHaveLength(2);
  expect((await scene.deliveries(webhook.id))[0]?.attempts).toHaveLength(1);
});

/** A store some of whose methods are unavailable as long as `isAway`. */
function faulty(store: Store, methods: readonly (keyof Store)[], isAway: () => boolean): Store {
  const calls = Object.entries(store).map(([name, method]: [string, (...args: unknown[]) => Promise<unknown>]) => {
    const call = async (...args: unknown[]) => {
      if (methods.includes(name as keyof Store) && isAway()) throw new Fault("unavailable", "the store is away");
      return method(...args);
    };
    return [name, call];
  });
  return Object.fromEntries(calls) as Store;
}
