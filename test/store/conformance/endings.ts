import { expect } from "bun:test";
import type { Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner, refused, threeOwed } from "./planner";
import { addWebhook, allPages, FAR, FIRST_PAGE } from "./samples";

const LISTS = [["pending"], ["delivered"], ["failed"], ["skipped"], ["failed", "delivered"], ["skipped", "failed", "pending"]] as const;

/** The pending deliveries of each lane, from the head on: their revisions, those with a time marked. */
async function lanes(store: Store): Promise<Record<string, string[]>> {
  const { items } = await store.listDeliveries({ states: ["pending"] }, FIRST_PAGE);
  const found: Record<string, string[]> = {};
  for (const { webhookId, sensorId, revision, nextAttemptAt } of items.toReversed()) {
    (found[`${webhookId}/${sensorId}`] ??= []).push(`${revision}${nextAttemptAt === null ? "" : "!"}`);
  }
  return found;
}

/** How deliveries end without a success, and how one is sent again. */
export const endingPromises: readonly Promises[] = [
  promises("what is owed to a webhook that is at its end", {
    "ends in slices, and what is left is led by its heads": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "a", "a", "b", "b", "c"]), ["w", "x"]);
      await store.deleteWebhook("w", null);
      let left = 6;
      for (const slice of [2, 1, 2, 10]) {
        expect(await store.failOwed("w", "the webhook was deleted", slice)).toBe(Math.min(slice, left));
        left -= Math.min(slice, left);
        for (const [name, lane] of Object.entries(await lanes(store))) {
          expect([name, lane.map((each) => each.endsWith("!"))]).toEqual([name, lane.map((_, index) => index === 0)]);
        }
      }
      expect(await store.failOwed("w", "again", 10)).toBe(0);
      expect(await lanes(store)).toEqual({ "x/a": ["1!", "2", "3"], "x/b": ["1!", "2"], "x/c": ["1!"] });
      const { items } = await store.listDeliveries({ webhookId: "w" }, FIRST_PAGE);
      expect(new Set(items.map(({ state, reason, nextAttemptAt }) => `${state} ${reason} ${nextAttemptAt}`))).toEqual(
        new Set(["failed the webhook was deleted null"]),
      );
    },

    "stays owed once the webhook is not disabled any more": async (store) => {
      await addWebhook(store, "w");
      await threeOwed(store);
      for (const state of ["active", "paused"] as const) {
        await store.updateWebhook("w", { state: "disabled" }, null);
        await store.updateWebhook("w", { state }, null);
        expect(await store.failOwed("w", "disabled", 10)).toBe(0);
      }
      expect(await lanes(store)).toEqual({ "w/a": ["1!", "2"], "w/b": ["1!"] });
      await store.updateWebhook("w", { state: "disabled" }, null);
      expect(await store.failOwed("w", "disabled", 10)).toBe(3);
    },
  }),

  promises("a delivery that is too old", {
    "is given out while it leads its lane, the oldest first, paused or not": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const { owner, planner, ids, heads } = await threeOwed(store);
      await planner.owe(await owner.change(["c"]), ["x"]);
      await store.updateWebhook("w", { state: "paused" }, null);
      await planner.settle(refused({ ...(heads[0] as (typeof heads)[0]) }, FAR));
      const plannedAt = heads[0]?.plannedAt ?? 0;
      expect(await store.expiredHeads(0, plannedAt, 10)).toEqual([]);
      const expired = await store.expiredHeads(0, FAR, 10);
      expect(expired.slice(0, 2).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
      expect(expired).toHaveLength(3);
      expect(await store.expiredHeads(0, FAR, 1)).toMatchObject([{ id: ids[0], plannedAt, laneFailures: 1 }]);
      expect(await store.expiredHeads(1, FAR, 10)).toEqual([]);
      await planner.settle(failed(expired[0] as (typeof expired)[0], "expired", { tried: false }));
      expect((await store.expiredHeads(0, FAR, 10)).map(({ id }) => id)).toContain(ids[1]);
    },
  }),

  promises("a delivery that is sent again by hand", {
    "is pending and due under its own id, whatever became of it, and its days are counted anew": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      await planner.settle(refused(await planner.head("w", "a"), 5, { rejected: true }));
      await planner.settle(failed(await planner.head("w", "a"), "rejected"));
      await planner.settle(delivered(await planner.head("w", "b")));
      const now = Date.now() + 5000;
      const before = await store.getDelivery(ids[0]);
      const again = await store.retryDelivery(ids[0], now);
      expect(again).toEqual({ ...(before as typeof again), state: "pending", reason: null, nextAttemptAt: now });
      expect(await store.getDelivery(ids[0])).toEqual(again);
      expect(await store.dueHeads(0, "w", now, 10)).toContainEqual(
        expect.objectContaining({ id: ids[0], plannedAt: now, nextAttemptAt: now, laneFailures: 0, rejections: 0 }),
      );
      expect(await store.retryDelivery(ids[2], now)).toMatchObject({ state: "pending", attempts: [{ statusCode: 200 }] });
      await planner.settle(delivered((await planner.heads("w")).find(({ id }) => id === ids[2]) as never));
      expect(await store.getDelivery(ids[2])).toMatchObject({ state: "delivered", attempts: [{}, {}] });
    },

    "stands beside the head of its lane, and the lane goes on once both have ended": async (store) => {
      await addWebhook(store, "w");
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "a", "a"]), ["w"]);
      const first = await planner.head("w", "a");
      await planner.settle(delivered(first));
      await store.retryDelivery(first.id, Date.now());
      expect(await lanes(store)).toEqual({ "w/a": ["1!", "2!", "3"] });
      const second = (await planner.heads("w")).find(({ number }) => number === 2);
      expect(second).toBeDefined();
      await planner.settle(delivered(second as never));
      expect(await lanes(store)).toEqual({ "w/a": ["1!", "3"] });
      await planner.settle(delivered(await planner.head("w", "a")));
      expect(await lanes(store)).toEqual({ "w/a": ["3!"] });
    },

    "leaves the head of its lane the time that it waits for": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const first = await planner.head("w", "a");
      await planner.settle(delivered(first));
      await planner.settle(refused(await planner.head("w", "a"), FAR - 5));
      await store.retryDelivery(ids[0], Date.now());
      expect((await planner.settle(delivered(first))).heads).toEqual([]);
      expect(await planner.head("w", "a")).toMatchObject({ id: ids[1], nextAttemptAt: FAR - 5, laneFailures: 1 });
    },

    "is due at once when it waited for its retry": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      await planner.settle(refused(await planner.head("w", "a"), FAR));
      const now = Date.now();
      expect(await store.retryDelivery(ids[0], now)).toMatchObject({ state: "pending", nextAttemptAt: now });
      expect(await planner.head("w", "a")).toMatchObject({ id: ids[0], laneFailures: 1 });
    },

    "must exist, must not wait behind another, and its webhook must be there and not disabled": async (store) => {
      await addWebhook(store, "w");
      const { ids, planner } = await threeOwed(store);
      await expect(store.retryDelivery("nothing", 1)).rejects.toMatchObject({ kind: "notFound" });
      await expect(store.retryDelivery(ids[1], 1)).rejects.toMatchObject({
        kind: "conflict",
        message: expect.stringContaining("behind"),
      });
      await store.updateWebhook("w", { state: "paused" }, null);
      expect(await store.retryDelivery(ids[0], 1)).toMatchObject({ state: "pending" });
      expect(await planner.heads("w")).toEqual([]);
      await store.updateWebhook("w", { state: "disabled" }, null);
      await expect(store.retryDelivery(ids[0], 2)).rejects.toMatchObject({
        kind: "conflict",
        message: expect.stringContaining("disabled"),
      });
      await store.deleteWebhook("w", null);
      await expect(store.retryDelivery(ids[0], 2)).rejects.toMatchObject({ kind: "conflict", message: expect.stringContaining("gone") });
      expect(await store.getDelivery(ids[0])).toMatchObject({ nextAttemptAt: 1 });
    },
  }),

  promises("the list of deliveries", {
    "is newest first, by webhook, sensor, state and all of them together": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "b", "a"]), ["w", "x"]);
      await planner.settle(delivered(await planner.head("w", "a")), failed(await planner.head("x", "b"), "rejected"));
      const all = (await store.listDeliveries({}, FIRST_PAGE)).items;
      expect(all.map(({ id }) => id)).toEqual(["x_0_3", "w_0_3", "x_0_2", "w_0_2", "x_0_1", "w_0_1"]);
      for (const webhookId of [undefined, "w", "nobody"]) {
        for (const sensorId of [undefined, "a", "nobody"]) {
          for (const states of [undefined, ...LISTS]) {
            const fits = all.filter(
              (each) =>
                (webhookId ?? each.webhookId) === each.webhookId &&
                (sensorId ?? each.sensorId) === each.sensorId &&
                (states === undefined || (states as readonly string[]).includes(each.state)),
            );
            const { items, nextCursor } = await store.listDeliveries({ webhookId, sensorId, states }, FIRST_PAGE);
            expect([webhookId, sensorId, states, items, nextCursor]).toEqual([webhookId, sensorId, states, fits, null]);
            expect(await allPages((page) => store.listDeliveries({ webhookId, sensorId, states }, page), 1)).toEqual(fits);
          }
        }
      }
      expect(await store.getDelivery("nothing")).toBeNull();
    },

    "is of what was planned in a range of time, to the millisecond": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      for (const sensorId of ["a", "b", "c", "d"]) {
        const now = Date.now();
        while (Date.now() <= now) await Bun.sleep(1);
        await planner.owe(await owner.change([sensorId]), ["w", "x"]);
      }
      await planner.settle(failed(await planner.head("w", "b"), "rejected"));
      const all = (await store.listDeliveries({}, FIRST_PAGE)).items;
      const times = [...new Set(all.map(({ plannedAt }) => plannedAt))];
      expect(times).toHaveLength(4);
      for (const since of [undefined, ...times]) {
        for (const until of [undefined, ...times]) {
          for (const query of [{}, { webhookId: "w" }, { sensorId: "b" }, { states: ["pending", "failed"] as const }]) {
            const fits = all.filter(
              (each) =>
                each.plannedAt >= (since ?? 0) &&
                each.plannedAt < (until ?? FAR) &&
                (query.webhookId ?? each.webhookId) === each.webhookId &&
                (query.sensorId ?? each.sensorId) === each.sensorId,
            );
            expect(await allPages((page) => store.listDeliveries({ ...query, range: { since, until } }, page), 2)).toEqual(fits);
          }
        }
      }
    },
  }),
];
