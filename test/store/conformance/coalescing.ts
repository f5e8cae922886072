import { expect } from "bun:test";
import { EVENTS_LANE } from "../../../src/domain/delivery";
import { SETTINGS_DEFAULT } from "../../../src/domain/webhook";
import type { DueDelivery, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, Planner, refused } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

const LONG = 4500;

async function scene(store: Store, sensorIds: readonly string[]) {
  for (const id of ["w", "x"]) await addWebhook(store, id);
  const owner = await Owner.of(store);
  const planner = await Planner.of(store);
  await planner.oweMany(owner, sensorIds, ["w", "x"]);
  const coalesce = (query: Partial<Parameters<Store["coalesceDue"]>[1]> = {}) =>
    store.coalesceDue(planner.lease, { webhookId: "w", now: Date.now(), limit: 100, except: [], ...query });
  return { owner, planner, coalesce };
}

async function statesOf(store: Store, webhookId = "w"): Promise<Record<number, string>> {
  const { items } = await store.listDeliveries({ webhookId }, FIRST_PAGE);
  return Object.fromEntries(items.map(({ id, state, reason }) => [id.split("_").at(-1), reason === null ? state : `${state} ${reason}`]));
}

function numbersOf(heads: readonly DueDelivery[]): number[] {
  return heads.map(({ number }) => number).toSorted((a, b) => a - b);
}

export const coalescingPromises: readonly Promises[] = [
  promises("what is due to a webhook that wants the latest alone", {
    "is the newest of each lane, and the others of it end as superseded": async (store) => {
      const { coalesce } = await scene(store, ["a", "a", "b", "a", "c"]);
      const { heads, coalesced } = await coalesce();
      expect(numbersOf(heads)).toEqual([3, 4, 5]);
      expect(coalesced).toBe(2);
      expect(await statesOf(store)).toEqual({
        1: "coalesced superseded",
        2: "coalesced superseded",
        3: "pending",
        4: "pending",
        5: "pending",
      });
      expect((await store.listDeliveries({ states: ["coalesced"] }, FIRST_PAGE)).items.map(({ nextAttemptAt }) => nextAttemptAt)).toEqual([
        null,
        null,
      ]);
      expect(Object.values(await statesOf(store, "x"))).toEqual(Array.from({ length: 5 }, () => "pending"));
      expect(await coalesce()).toEqual({ heads, coalesced: 0 });
      expect(await store.dueHeads(0, "w", Date.now(), 10)).toEqual(heads);
    },

    "takes over when the old head was due, and its failures": async (store) => {
      const { planner, coalesce } = await scene(store, ["a", "a", "b", "b"]);
      await planner.settle(refused(await planner.head("w", "a"), 70), refused(await planner.head("w", "b"), FAR));
      await planner.settle(refused(await planner.head("w", "a"), 50));
      const { heads } = await coalesce({ now: 60 });
      expect(heads).toMatchObject([{ number: 2, nextAttemptAt: 50, laneFailures: 2, rejections: 0 }]);
      expect(heads).toHaveLength(1);
      expect(await statesOf(store)).toEqual({ 1: "coalesced superseded", 2: "pending", 3: "pending", 4: "pending" });
    },

    "is not touched while its head is under way": async (store) => {
      const { planner, owner, coalesce } = await scene(store, ["a", "a", "b", "b"]);
      const underWay = await planner.head("w", "a");
      const { heads, coalesced } = await coalesce({ except: [underWay.id, "nothing"] });
      expect(heads.map(({ number }) => number)).toEqual([4]);
      expect(coalesced).toBe(1);
      expect(await statesOf(store)).toMatchObject({ 1: "pending", 2: "pending" });
      await planner.owe(await owner.change(["a"]), ["w"]);
      await planner.settle(delivered(underWay));
      expect(numbersOf((await coalesce()).heads)).toEqual([4, 5]);
    },

    "is as much as is asked for, the longest due first": async (store) => {
      const { planner, coalesce } = await scene(store, ["a", "b", "c", "a", "b", "c"]);
      for (const [sensor, at] of [
        ["a", 30],
        ["b", 10],
        ["c", 20],
      ] as const) {
        await planner.settle(refused(await planner.head("w", sensor), at));
      }
      expect((await coalesce({ limit: 2 })).heads.map(({ number, nextAttemptAt }) => [number, nextAttemptAt])).toEqual([
        [5, 10],
        [6, 20],
      ]);
      expect(await statesOf(store)).toMatchObject({ 1: "pending", 4: "pending" });
    },

    "is one of a lane in which several are due": async (store) => {
      const { planner, owner, coalesce } = await scene(store, ["a", "b"]);
      await planner.owe(await owner.change(["a", "a", "b"]), ["w"], { begins: "free" });
      const { heads, coalesced } = await coalesce({ limit: 3 });
      expect(coalesced).toBe(3);
      expect(numbersOf(heads)).toEqual([4, 5]);
    },

    "is the newest although an older one was sent again by hand, which it follows at once": async (store) => {
      const { planner, coalesce } = await scene(store, ["a", "a"]);
      const first = await planner.head("w", "a");
      await planner.settle(delivered(first));
      await planner.settle(refused(await planner.head("w", "a"), FAR));
      await store.retryDelivery(first.id, 40);
      expect((await coalesce({ now: 60 })).heads).toMatchObject([{ number: 2, nextAttemptAt: 40, laneFailures: 1 }]);
      expect(await statesOf(store)).toEqual({ 1: "coalesced superseded", 2: "pending" });
    },

    "is found behind thousands, in whatever slices they end": async (store) => {
      const { coalesce } = await scene(store, [...Array.from({ length: LONG }, () => "a"), "b", "b"]);
      const { heads, coalesced } = await coalesce();
      expect(coalesced).toBe(LONG);
      expect(heads.map(({ number }) => number)).toEqual([LONG, LONG + 2]);
      expect((await store.listDeliveries({ webhookId: "w", states: ["pending"] }, FIRST_PAGE)).items).toHaveLength(2);
    },

    "leaves what is told of operations alone: none of it supersedes another": async (store) => {
      const { planner, coalesce } = await scene(store, ["a"]);
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, mode: "latest", events: ["webhook.disabled"] } }, null);
      await store.updateWebhook("x", { state: "disabled" }, null);
      await store.updateWebhook("x", { state: "active" }, null);
      await store.updateWebhook("x", { state: "disabled" }, null);
      const { heads, coalesced } = await coalesce({ now: FAR });
      expect(coalesced).toBe(0);
      expect(heads.map(({ sensorId }) => sensorId)).toEqual(["a", EVENTS_LANE]);
      await planner.settle(delivered(heads[1] as never));
      expect((await planner.head("w", EVENTS_LANE)).id).not.toBe(heads[1]?.id);
    },

    "is nothing under a lease that is lost, nor of a webhook that is paused": async (store) => {
      const { planner, coalesce } = await scene(store, ["a", "a"]);
      await store.updateWebhook("w", { state: "paused" }, null);
      expect(await coalesce()).toEqual({ heads: [], coalesced: 0 });
      await store.updateWebhook("w", { state: "active" }, null);
      await Planner.of(store);
      expect(await coalesce()).toEqual({ heads: [], coalesced: 0 });
      expect(await statesOf(store)).toEqual({ 1: "pending", 2: "pending" });
      expect(planner.lease.epoch).toBe(1);
    },
  }),
];
