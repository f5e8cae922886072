import { afterAll, expect, test } from "bun:test";
import { deliveryId } from "../../src/domain/delivery";
import { EVENT_KINDS, SETTINGS_DEFAULT } from "../../src/domain/webhook";
import { Owner } from "./conformance/owner";
import { delivered, failed, owing, Planner } from "./conformance/planner";
import { addWebhook, FAR, FIRST_PAGE } from "./conformance/samples";
import { postgresHarness } from "./postgres/harness";
import { lingeringStore } from "./postgres/lingering";

const harness = await postgresHarness();
afterAll(() => harness[Symbol.asyncDispose]());

const TEST_MS = 60_000;
const REPLAY = { id: "r", webhookId: "w", range: { since: 0, until: FAR }, which: "undelivered", ratePerSecond: 1 } as const;
const SKIPPED = { state: "skipped", reason: "disabled" } as const;

test(
  "a lane that is replayed while it is settled is led by one",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    const { owner, planner } = await owing(store);
    await planner.owe(await owner.change(["a", "a"]), ["w"], SKIPPED);
    const heads = await planner.owe(await owner.change(["a", "a"]), ["w"]);
    await store.createReplay(REPLAY);
    const [, advanced] = await meanwhile(
      () => planner.settle(...heads.map((head) => delivered(head))),
      () => store.advanceReplay("r", 100),
    );
    expect(advanced).toMatchObject({ state: "done", replayed: 2 });
    expect((await planner.heads("w")).map(({ number }) => number)).toEqual([4]);
    const order: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const head = await planner.head("w", "a");
      order.push(head.number);
      await planner.settle(delivered(head));
    }
    expect(order).toEqual([4, 1, 2]);
  },
  TEST_MS,
);

test(
  "what is planned while its lane is replayed waits behind it",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    const { owner, planner } = await owing(store);
    await planner.owe(await owner.change(["a"]), ["w"], SKIPPED);
    await store.createReplay(REPLAY);
    const [advanced, heads] = await meanwhile(
      () => store.advanceReplay("r", 100),
      async () => planner.owe(await owner.change(["a"]), ["w"]),
    );
    expect(heads).toEqual([]);
    expect(advanced).toMatchObject({ replayed: 1 });
    expect((await planner.heads("w")).map(({ number }) => number)).toEqual([1]);
  },
  TEST_MS,
);

test(
  "what is replayed while it is taken out for its age stays, and nobody is in a deadlock",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    const { owner, planner } = await owing(store);
    await planner.owe(await owner.change(["a", "b", "c"]), ["w"], SKIPPED);
    await store.createReplay(REPLAY);
    const before = { reports: 0, changes: 0, deliveries: FAR, deadLetters: 0 };
    const [advanced, pruned] = await meanwhile(
      () => store.advanceReplay("r", 2),
      () => store.prune(before, 100),
    );
    expect(pruned).toMatchObject({ deliveries: 1 });
    expect(advanced).toMatchObject({ replayed: 2 });
    expect(await store.advanceReplay("r", 2)).toMatchObject({ state: "done", replayed: 2 });
    expect((await store.listDeliveries({}, FIRST_PAGE)).items.map(({ state }) => state)).toEqual(["pending", "pending"]);
  },
  TEST_MS,
);

test(
  "a webhook that is disabled while it is replayed has nothing left to send",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    await addWebhook(store, "w");
    const planner = await Planner.of(store);
    await planner.owe(await (await Owner.of(store)).change(["a", "b"]), ["w"], SKIPPED);
    await store.createReplay(REPLAY);
    const [advanced] = await meanwhile(
      () => store.advanceReplay("r", 1),
      () => store.updateWebhook("w", { state: "disabled" }, null),
    );
    expect(advanced).toMatchObject({ state: "running", replayed: 1 });
    expect(await store.failOwed("w", "disabled", 10)).toBe(1);
    expect(await store.advanceReplay("r", 1)).toMatchObject({ state: "cancelled" });
  },
  TEST_MS,
);

test(
  "steps of two webhooks over the same partitions, whatever their order there, take turns",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "deliveries");
    await using _ = opened;
    const { store } = opened;
    for (const id of ["w", "x"]) await addWebhook(store, id);
    const parts = [];
    for (const partition of [0, 1, 2]) parts.push({ owner: await Owner.of(store, partition), planner: await Planner.of(store, partition) });
    for (const [index, id] of ["w", "x"].entries()) {
      for (const { owner, planner } of index === 0 ? parts : parts.toReversed()) {
        await planner.owe(await owner.change([`${id}${planner.lease.partition}`]), [id], SKIPPED);
      }
      await store.createReplay({ ...REPLAY, id: `of ${id}`, webhookId: id });
    }
    const [one, other] = await meanwhile(
      () => store.advanceReplay("of w", 100),
      () => store.advanceReplay("of x", 100),
    );
    expect([one?.replayed, other?.replayed]).toEqual([3, 3]);
  },
  TEST_MS,
);

/** Not the one from which an edit tells. */
const PARTITION = 1;

async function withRefused(store: Parameters<typeof addWebhook>[0]) {
  await addWebhook(store, "w");
  await addWebhook(store, "asks", { settings: { ...SETTINGS_DEFAULT, events: EVENT_KINDS } });
  const planner = await Planner.of(store, PARTITION);
  const [head] = await planner.owe(await (await Owner.of(store, PARTITION)).change(["a"]), ["w"]);
  return { planner, refused: failed(head as NonNullable<typeof head>, "rejected") };
}

test(
  "a webhook that is being disabled is owed nothing of what is told meanwhile",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "webhook_versions");
    await using _ = opened;
    const { store } = opened;
    const { planner, refused } = await withRefused(store);
    const [, settled] = await meanwhile(
      () => store.updateWebhook("asks", { state: "disabled" }, null),
      () => planner.settle(refused),
    );
    expect(settled.heads).toEqual([]);
    expect(await store.getDelivery(deliveryId("w", PARTITION, 1))).toMatchObject({ state: "failed", reason: "rejected" });
    expect(await store.listDeliveries({ webhookId: "asks" }, FIRST_PAGE)).toEqual({ items: [], nextCursor: null });
  },
  TEST_MS,
);

test(
  "an edit that disables waits for what is being told, and what was told ends with it",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "operational_events");
    await using _ = opened;
    const { store } = opened;
    const { planner, refused } = await withRefused(store);
    const [settled] = await meanwhile(
      () => planner.settle(refused),
      () => store.updateWebhook("asks", { state: "disabled" }, null),
    );
    expect(settled.heads).toMatchObject([{ webhookId: "asks" }]);
    expect(await store.failOwed("asks", "disabled", 10)).toBe(1);
    expect(await store.getDelivery(deliveryId("w", PARTITION, 1))).toMatchObject({ state: "failed", reason: "rejected" });
  },
  TEST_MS,
);

test(
  "two partitions that find one webhook failing at once say so once",
  async () => {
    const { opened, meanwhile } = await lingeringStore(harness, "operational_events");
    await using _ = opened;
    const { store } = opened;
    await addWebhook(store, "w");
    await addWebhook(store, "asks", { settings: { ...SETTINGS_DEFAULT, events: ["webhook.failing"] } });
    const settles: (() => Promise<unknown>)[] = [];
    for (const partition of [0, 1]) {
      const planner = await Planner.of(store, partition);
      const heads = await planner.owe(await (await Owner.of(store, partition)).change([`a${partition}`]), ["w"]);
      const attempt = { durationMs: 1, statusCode: 503, error: null, response: null };
      const retry = (at: number) => heads.map((delivery) => ({ delivery, attempt: { ...attempt, at }, verdict: RETRY }));
      if (partition === 0) await planner.settle(...retry(1));
      settles.push(() => planner.settle(...retry(2)));
    }
    await meanwhile(settles[0] as () => Promise<unknown>, settles[1] as () => Promise<unknown>);
    expect((await store.listDeliveries({ webhookId: "asks" }, FIRST_PAGE)).items).toHaveLength(1);
  },
  TEST_MS,
);

const RETRY = { kind: "retry", nextAttemptAt: FAR, rejected: false } as const;
