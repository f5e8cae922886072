import { expect } from "bun:test";
import { deliveryId } from "../../../src/domain/delivery";
import type { Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { Planner, threeOwed } from "./planner";
import { addWebhook, FIRST_PAGE } from "./samples";

function deliveriesIn(store: Store) {
  return store.listDeliveries({}, FIRST_PAGE);
}

/** What becomes of a plan; a refused one must leave the deliveries and the cursor alone. */
async function outcomeOf(store: Store, plan: Parameters<Store["commitPlan"]>[0]) {
  const before = [await deliveriesIn(store), await store.listPartitions()];
  const outcome = await store.commitPlan(plan);
  if (outcome.kind !== "planned") expect([await deliveriesIn(store), await store.listPartitions()]).toEqual(before);
  return outcome;
}

export const planPromises: readonly Promises[] = [
  promises("the set of webhooks that planning matches against", {
    "is empty where there is none": async (store) => {
      expect(await store.webhookSet()).toEqual({ version: 0, versions: [] });
    },

    "says from which change on a webhook is owed: those recorded after it was made, in each partition": async (store) => {
      const owner = await Owner.of(store);
      await owner.change(["a", "b"]);
      await addWebhook(store, "w", { filter: { minSeverity: "warning", sensorIds: ["a"] } });
      await (await Owner.of(store, 3)).change(["c"]);
      await owner.change(["a"]);
      await addWebhook(store, "x");
      const { versions } = await store.webhookSet();
      expect(versions.map(({ webhookId, after }) => [webhookId, after["0"] ?? 0, after["3"] ?? 0])).toEqual([
        ["w", 2, 0],
        ["x", 3, 1],
      ]);
      const filter = { minSeverity: "warning", sensorIds: ["a"] };
      expect(versions[0]).toMatchObject({ version: 1, state: "active", deleted: false, filter });
    },

    "counts every edit that planning must know of": async (store) => {
      await addWebhook(store, "w");
      const seen = new Set([(await store.webhookSet()).version]);
      await store.updateWebhook("w", { filter: { to: ["open"] } }, null);
      seen.add((await store.webhookSet()).version);
      await store.updateWebhook("w", { state: "paused" }, null);
      seen.add((await store.webhookSet()).version);
      await store.updateWebhook("w", { state: "disabled", stateReason: "410" }, null);
      seen.add((await store.webhookSet()).version);
      await store.deleteWebhook("w", null);
      seen.add((await store.webhookSet()).version);
      expect(seen.size).toBe(5);
      expect([...seen]).toEqual([...seen].toSorted((a, b) => a - b));
    },

    "keeps what a webhook was for the changes recorded before its edit, until they are planned": async (store) => {
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await addWebhook(store, "w", { filter: { to: ["open"] } });
      const changes = await owner.change(["a"]);
      await store.updateWebhook("w", { filter: { to: ["closed"] } }, null);
      await store.deleteWebhook("w", null);
      const versionsOf = async () =>
        (await store.webhookSet()).versions.map(({ filter, deleted, after }) => [filter.to?.[0], deleted, after["0"] ?? 0]);
      expect(await versionsOf()).toEqual([
        ["open", false, 0],
        ["closed", false, 1],
        ["closed", true, 1],
      ]);
      await planner.owe(changes, ["w"]);
      await store.prune({ reports: 0, changes: 0, deliveries: 0, deadLetters: 0 }, 10);
      expect(await versionsOf()).toEqual([]);
    },

    "holds the newest version of a living webhook for ever, and the older ones no longer than a planner may ask for them": async (
      store,
    ) => {
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await addWebhook(store, "w");
      const first = await owner.change(["a"]);
      await store.updateWebhook("w", { state: "paused" }, null);
      const second = await owner.change(["a"]);
      await store.updateWebhook("w", { state: "active" }, null);
      const states = async () => (await store.webhookSet()).versions.map(({ state }) => state);
      expect(await states()).toEqual(["active", "paused", "active"]);
      await planner.owe(first, ["w"]);
      expect(await states()).toEqual(["paused", "active"]);
      await store.prune({ reports: 0, changes: 0, deliveries: 0, deadLetters: 0 }, 10);
      expect(await states()).toEqual(["paused", "active"]);
      await planner.owe(second, ["w"]);
      expect(await states()).toEqual(["active"]);
    },
  }),

  promises("a plan", {
    "owes its deliveries and moves the cursor; only the first of each lane may be sent": async (store, opened) => {
      await addWebhook(store, "w");
      const { heads, ids } = await threeOwed(store);
      expect(heads.map(({ id, laneFailures, rejections }) => [id, laneFailures, rejections])).toEqual([
        [ids[0], 0, 0],
        [ids[2], 0, 0],
      ]);
      const after = await opened.reopen();
      const { items } = await deliveriesIn(after);
      expect(items.map(({ id }) => id)).toEqual(ids.toReversed());
      expect(items.map(({ nextAttemptAt }) => nextAttemptAt !== null)).toEqual([true, false, true]);
      expect(items[2]).toMatchObject({ webhookId: "w", changeId: "chg_0_1", sensorId: "a", partition: 0, revision: 1, state: "pending" });
      expect(items[2]).toMatchObject({ reason: null, attempts: [], plannedAt: heads[0]?.plannedAt });
      expect((await Planner.of(after)).planned).toBe(3);
    },

    "puts what comes into an occupied lane behind it": async (store) => {
      await addWebhook(store, "w");
      const { owner, planner } = await threeOwed(store);
      expect(await planner.owe(await owner.change(["a", "b"]), ["w"])).toEqual([]);
      expect((await planner.heads("w")).map(({ number }) => number)).toEqual([1, 3]);
      expect(await planner.owe(await owner.change(["a"]), ["v"])).toMatchObject([{ webhookId: "v", number: 6 }]);
    },

    "holds what is owed to a paused webhook": async (store) => {
      await addWebhook(store, "w");
      await store.updateWebhook("w", { state: "paused" }, null);
      const { heads, planner } = await threeOwed(store);
      expect(heads).toEqual([]);
      expect(await planner.heads("w")).toEqual([]);
      expect(await store.nextDue(0)).toEqual([]);
      expect((await deliveriesIn(store)).items.map(({ state }) => state)).toEqual(["pending", "pending", "pending"]);
      await store.updateWebhook("w", { state: "active" }, null);
      expect((await store.dueHeads(0, "w", Date.now(), 10)).map(({ number }) => number)).toEqual([1, 3]);
      expect(await store.nextDue(0)).toMatchObject([{ webhookId: "w" }]);
    },

    "keeps what is skipped with its reason, and nobody is sent it or waits behind it": async (store) => {
      await addWebhook(store, "w");
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      const skipped = await owner.change(["a"]);
      expect(await planner.owe(skipped, ["w"], { state: "skipped", reason: "the webhook is disabled" })).toEqual([]);
      expect((await deliveriesIn(store)).items).toMatchObject([
        { state: "skipped", reason: "the webhook is disabled", nextAttemptAt: null },
      ]);
      expect(await planner.owe(await owner.change(["a"]), ["w"])).toMatchObject([{ number: 2 }]);
    },

    "that owes nothing moves the cursor alone": async (store) => {
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      expect(await planner.owe(await owner.change(["a", "b"]), [])).toEqual([]);
      expect((await Planner.of(store)).planned).toBe(2);
    },

    "of another epoch is fenced, and writes nothing": async (store) => {
      const owner = await Owner.of(store);
      const zombie = await Planner.of(store);
      const plan = await zombie.plan(await owner.change(["a"]), ["w"]);
      await Planner.of(store);
      expect(await outcomeOf(store, plan)).toEqual({ kind: "fenced" });
    },

    "that starts anywhere but where planning stands is told so, and writes nothing": async (store) => {
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      const plan = await planner.plan(await owner.change(["a"]), ["w"]);
      expect(await outcomeOf(store, plan)).toMatchObject({ kind: "planned" });
      expect(await outcomeOf(store, { ...plan, to: 2 })).toEqual({ kind: "moved" });
      expect(await outcomeOf(store, { ...plan, from: 5, to: 6 })).toEqual({ kind: "moved" });
    },

    "whose answer was lost is in once, whatever was edited since": async (store) => {
      await addWebhook(store, "w");
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      const plan = await planner.plan(await owner.change(["a"]), ["w"]);
      expect(await outcomeOf(store, plan)).toMatchObject({ kind: "planned", heads: [{ number: 1 }] });
      await addWebhook(store, "x");
      const before = await deliveriesIn(store);
      expect(await outcomeOf(store, plan)).toMatchObject({ kind: "planned", heads: [] });
      expect(await deliveriesIn(store)).toEqual(before);
    },

    "made before an edit of a webhook is told so, and writes nothing": async (store) => {
      await addWebhook(store, "w");
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      const plan = await planner.plan(await owner.change(["a"]), ["w"]);
      for (const edit of [
        () => addWebhook(store, "x"),
        () => store.updateWebhook("w", { filter: { to: ["open"] } }, null),
        () => store.updateWebhook("w", { state: "paused" }, null),
        () => store.deleteWebhook("w", null),
      ]) {
        const { version } = await store.webhookSet();
        await edit();
        expect(await outcomeOf(store, { ...plan, webhooksVersion: version })).toEqual({ kind: "webhooksMoved" });
      }
    },

    "owes one change to one webhook once": async (store) => {
      await addWebhook(store, "w");
      const { planner, changes } = await threeOwed(store);
      const plan = await planner.plan(changes, ["w"]);
      expect(await outcomeOf(store, plan)).toMatchObject({ kind: "planned", heads: [] });
      expect((await deliveriesIn(store)).items).toHaveLength(3);
      expect((await store.getDelivery(deliveryId("w", 0, 1)))?.nextAttemptAt).not.toBeNull();
    },

    "extends the lease": async (store) => {
      const planner = await Planner.of(store);
      await store.renewLease(planner.lease, -1);
      await planner.owe([], []);
      expect(await store.acquireLease({ role: "notify", partition: 0, owner: "other", ttlMs: 1000, takeOver: false })).toBeNull();
    },
  }),
];
