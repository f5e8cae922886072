import { afterAll, expect, test } from "bun:test";
import { deliveryId } from "../../src/domain/delivery";
import { Owner } from "./conformance/owner";
import { delivered, owing, Planner, refused } from "./conformance/planner";
import { addWebhook, draftOf, FAR } from "./conformance/samples";
import { onDatabase } from "../servers/postgres";
import { postgresHarness } from "./postgres/harness";
import { lingeringStore } from "./postgres/lingering";
import { waiting } from "./postgres/locks";

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

const TEST_MS = 60_000;

test(
  "a plan waits for the edit of a webhook that is under way, and is then refused",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "webhook_versions");
    await using _ = opened;
    const { store } = opened;
    const owner = await Owner.of(store);
    const planner = await Planner.of(store);
    const changeAndPlan = async () => {
      const changes = await owner.change(["a"]);
      return { changes, outcome: await store.commitPlan(await planner.plan(changes, [])) };
    };
    const [, { changes, outcome }] = await meanwhile(() => addWebhook(store, "w"), changeAndPlan);
    expect(outcome).toEqual({ kind: "webhooksMoved" });
    expect((await store.webhookSet()).versions).toMatchObject([{ webhookId: "w", after: { "0": 0 } }]);
    expect(await planner.owe(changes, ["w"])).toHaveLength(1);
  },
  TEST_MS,
);

test(
  "a plan that waits for its partition holds up no edit of a webhook",
  async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    const owner = await Owner.of(store);
    const planner = await Planner.of(store);
    const plan = await planner.plan(await owner.change(["a"]), []);
    await onDatabase(url, async (client) => {
      await client.query("begin; select from partitions where role = 'notify' for update");
      let planned = false;
      const planning = store.commitPlan(plan).finally(() => (planned = true));
      await waiting(url, 1);
      await addWebhook(store, "w");
      expect(planned).toBe(false);
      await client.query("commit");
      expect(await planning).toEqual({ kind: "webhooksMoved" });
    });
  },
  TEST_MS,
);

test(
  "what is planned while its lane is being ended leads it",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    const { owner, planner } = await owing(store);
    await planner.owe(await owner.change(["a"]), ["w"]);
    await store.deleteWebhook("w", null);
    const [ended, heads] = await meanwhile(
      () => store.failOwed("w", "ended", 1),
      async () => planner.owe(await owner.change(["a"]), ["w"]),
    );
    expect(heads).toMatchObject([{ number: 2 }]);
    expect(ended).toBe(1);
    expect((await planner.heads("w")).map(({ number }) => number)).toEqual([2]);
  },
  TEST_MS,
);

test(
  "a delivery that is asked for again while its lane is being settled is refused or led on to, never left aside",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    const { owner, planner } = await owing(store);
    await planner.owe(await owner.change(["a", "a", "a"]), ["w"]);
    const head = await planner.head("w", "a");
    const now = Date.now();
    const [, again] = await meanwhile(
      () => planner.settle(delivered(head)),
      () => store.retryDelivery(deliveryId("w", 0, 2), now),
    );
    expect(again).toMatchObject({ state: "pending", nextAttemptAt: now });
    expect((await planner.heads("w")).map(({ number }) => number)).toEqual([2]);
    expect((await planner.settle(delivered(await planner.head("w", "a")))).heads).toMatchObject([{ number: 3 }]);
  },
  TEST_MS,
);

test(
  "a webhook that is disabled while a delivery is asked for again has nothing left to send",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    const { owner, planner } = await owing(store);
    const [head] = await planner.owe(await owner.change(["a"]), ["w"]);
    await planner.settle(delivered(head as NonNullable<typeof head>));
    const [, ended] = await meanwhile(
      () => store.retryDelivery(deliveryId("w", 0, 1), Date.now()),
      async () => {
        await store.updateWebhook("w", { state: "disabled" }, null);
        return store.failOwed("w", "disabled", 10);
      },
    );
    expect(ended).toBe(1);
    expect(await store.getDelivery(deliveryId("w", 0, 1))).toMatchObject({ state: "failed" });
  },
  TEST_MS,
);

test(
  "what is owed stays so when its webhook ceases to be disabled while its lanes are waited for",
  async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    await addWebhook(store, "w");
    const owner = await Owner.of(store);
    const planner = await Planner.of(store);
    await planner.owe(await owner.change(["a"]), ["w"]);
    await store.updateWebhook("w", { state: "disabled" }, null);
    await onDatabase(url, async (client) => {
      await client.query("begin; select from partitions where role = 'notify' for update");
      const ending = store.failOwed("w", "disabled", 10);
      await waiting(url, 1);
      await store.updateWebhook("w", { state: "paused" }, null);
      await client.query("commit");
      expect(await ending).toBe(0);
    });
    expect(await store.getDelivery(deliveryId("w", 0, 1))).toMatchObject({ state: "pending" });
  },
  TEST_MS,
);

test(
  "heads that are woken by an edit while they are settled keep one time, and nobody is in a deadlock",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    const { owner, planner } = await owing(store);
    const heads = await planner.owe(await owner.change(["a", "b", "c"]), ["w"]);
    await planner.settle(...heads.map((head) => refused(head, FAR)));
    await meanwhile(
      () => planner.settle(...heads.toReversed().map((head) => refused(head, FAR))),
      () => store.updateWebhook("w", { url: "https://elsewhere.example/" }, null),
    );
    const now = Date.now();
    expect((await planner.heads("w")).map(({ nextAttemptAt, laneFailures }) => [nextAttemptAt <= now, laneFailures])).toEqual([
      [true, 2],
      [true, 2],
      [true, 2],
    ]);
  },
  TEST_MS,
);

test(
  "what two partitions settle at once for one webhook is told of it by both",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "webhooks");
    await using _ = opened;
    const { store } = opened;
    await addWebhook(store, "w");
    const planners = [];
    for (const partition of [0, 1]) {
      const planner = await Planner.of(store, partition);
      const changes = await (await Owner.of(store, partition)).change([`sensor-${partition}`]);
      const [head] = await planner.owe(changes, ["w"]);
      planners.push({ planner, head: head as NonNullable<typeof head> });
    }
    const [one, other] = planners as [(typeof planners)[0], (typeof planners)[0]];
    await meanwhile(
      () => one.planner.settle(delivered(one.head, 10_000)),
      () => other.planner.settle(refused(other.head, FAR, { at: 20_000 })),
    );
    expect(await store.getWebhook("w")).toMatchObject({ lastSuccessAt: 10_000, failingSince: 20_000 });
  },
  TEST_MS,
);

test(
  "of two edits of a sensor under one version one is taken, and a batch that was decided before it is not",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "sensors");
    await using _ = opened;
    const { store } = opened;
    await store.createSensor(draftOf("a"));
    const owner = await Owner.of(store);
    const edits = () => Promise.allSettled([1, 2].map((number) => store.updateSensor(draftOf("a", { name: `edit ${number}` }), 1)));
    const [ended, [outcome]] = await meanwhile(edits, () => store.commitBatch([owner.part()]), 2);
    expect(outcome).toMatchObject({ kind: "registryMoved" });
    expect(ended.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(ended.find(({ status }) => status === "rejected")).toMatchObject({ reason: { kind: "preconditionFailed" } });
    expect(await store.getSensor("a")).toMatchObject({ sensor: { version: 2 } });
  },
  TEST_MS,
);

test(
  "an edit leaves credentials as another node has just sealed them anew",
  async () => {
    await using opened = await harness.open();
    const { store, url } = opened;
    await addWebhook(store, "w", { credentials: "old" });
    await onDatabase(url, async (client) => {
      await client.query("begin; update webhooks set credentials = 'new' where id = 'w' and credentials = 'old'");
      const editing = store.updateWebhook("w", { description: "edited" }, null);
      await waiting(url, 1);
      await client.query("commit");
      expect(await editing).toMatchObject({ description: "edited", credentials: "new" });
    });
    expect(await store.getWebhook("w")).toMatchObject({ description: "edited", credentials: "new" });
  },
  TEST_MS,
);
