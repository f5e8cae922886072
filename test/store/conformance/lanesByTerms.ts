import { expect } from "bun:test";
import type { PlannedDelivery, Settlement, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, Planner, refused } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

const BATCH = { begins: "batch" } as const;
const FREE = { begins: "free" } as const;
const HOUR_MS = 3_600_000;

async function scene(store: Store) {
  for (const id of ["w", "x"]) await addWebhook(store, id);
  const owner = await Owner.of(store);
  const planner = await Planner.of(store);
  const owe = async (sensorIds: readonly string[], edit: Partial<PlannedDelivery> = {}) =>
    planner.owe(await owner.change(sensorIds), ["w"], edit);
  return { owner, planner, owe };
}

/** The deliveries of `w` in the order of planning: number, state, and time where it waits for none. */
async function rows(store: Store) {
  const { items } = await store.listDeliveries({ webhookId: "w" }, FIRST_PAGE);
  return items.toReversed().map(({ id, state, nextAttemptAt }) => [Number(id.split("_").at(-1)), state, nextAttemptAt]);
}

const timesOf = async (store: Store) => (await rows(store)).map(([, , nextAttemptAt]) => nextAttemptAt);

/** A success that says when its lane may go on. */
function deliveredUntil(delivery: Parameters<typeof delivered>[0], nextAttemptAt: number): Settlement {
  return { ...delivered(delivery), verdict: { kind: "delivered", nextAttemptAt } };
}

/** How deliveries begin, by the terms of their webhook. */
export const lanesByTermsPromises: readonly Promises[] = [
  promises("deliveries without an order", {
    "are due at once, whatever their lane holds, each by itself": async (store) => {
      const { planner, owe } = await scene(store);
      expect((await owe(["a", "a", "b"], FREE)).map(({ number }) => number)).toEqual([1, 2, 3]);
      await planner.settle(refused(await planner.head("w", "a"), FAR));
      expect(await owe(["a"], FREE)).toMatchObject([{ number: 4, laneFailures: 0 }]);
      const second = (await planner.heads("w")).find(({ number }) => number === 2);
      expect((await planner.settle(delivered(second as never))).heads).toEqual([]);
      expect((await planner.heads("w")).map(({ number, nextAttemptAt }) => [number, nextAttemptAt === FAR])).toEqual([
        [3, false],
        [4, false],
        [1, true],
      ]);
    },

    "are followed by what is planned in order once none of them is left": async (store) => {
      const { planner, owe } = await scene(store);
      await owe(["a", "a"], FREE);
      expect(await owe(["a", "a"])).toEqual([]);
      const [first, second] = (await planner.heads("w")) as [never, never];
      expect((await planner.settle(delivered(second))).heads).toEqual([]);
      expect((await planner.settle(delivered(first))).heads).toMatchObject([{ number: 3 }]);
      expect(await planner.heads("w")).toHaveLength(1);
    },

    "may end together, and the lane goes on behind all of them": async (store) => {
      const { planner, owe } = await scene(store);
      await owe(["a", "a", "a"], FREE);
      await owe(["a"]);
      const outcome = await planner.settle(...(await planner.heads("w")).map((head) => delivered(head)));
      expect(outcome.heads).toMatchObject([{ number: 4 }]);
    },
  }),

  promises("deliveries that go in batches", {
    "are due in the order of their planning, across sensors": async (store) => {
      const { planner, owe } = await scene(store);
      const heads = await owe(["b", "a", "b"], BATCH);
      expect(heads.map(({ number, nextAttemptAt }) => [number, nextAttemptAt])).toEqual([
        [1, 0],
        [2, 0],
        [3, 0],
      ]);
      await owe(["a", "c", "b"], BATCH);
      const due = (limit: number) => store.dueHeads(0, "w", 0, limit);
      expect((await due(100)).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
      expect((await due(2)).map(({ number }) => number)).toEqual([1, 2]);
      expect(await store.nextDue(0)).toEqual([{ webhookId: "w", nextAttemptAt: 0, lastAttemptAt: 0, deleted: false }]);
      expect((await planner.settle(...(await due(2)).map((head) => delivered(head)))).heads).toEqual([]);
      expect((await due(100)).map(({ number }) => number)).toEqual([3, 4, 5, 6]);
    },

    "stay due as they were after a failure of their batch, which is counted": async (store) => {
      const { planner, owe } = await scene(store);
      const [first, second] = (await owe(["a", "b"], BATCH)) as [never, never];
      await planner.settle(refused(first, null), refused(second, null, { rejected: true }));
      expect(await store.dueHeads(0, "w", 0, 10)).toMatchObject([
        { number: 1, nextAttemptAt: 0, laneFailures: 1, rejections: 0 },
        { number: 2, nextAttemptAt: 0, laneFailures: 1, rejections: 1 },
      ]);
    },

    "wait behind what their lane holds that was planned otherwise, and then go one by one": async (store) => {
      const { planner, owe } = await scene(store);
      await owe(["a", "a"]);
      expect((await owe(["a", "b", "a"], BATCH)).map(({ number }) => number)).toEqual([4]);
      for (const number of [2, 3, 5]) {
        expect((await planner.settle(delivered(await planner.head("w", "a")))).heads).toMatchObject([{ number }]);
      }
      await planner.settle(delivered(await planner.head("w", "a")));
      expect(await owe(["a"], BATCH)).toMatchObject([{ number: 6, nextAttemptAt: 0 }]);
    },

    "hold back what is planned in order": async (store) => {
      const { planner, owe } = await scene(store);
      await owe(["a", "a"], BATCH);
      expect(await owe(["a"])).toEqual([]);
      const outcome = await planner.settle(...(await planner.heads("w")).map((head) => delivered(head)));
      expect(outcome.heads).toMatchObject([{ number: 3 }]);
      expect(outcome.heads[0]?.nextAttemptAt).toBeGreaterThan(0);
    },

    "keep within one plan to the order of terms that changed in between": async (store) => {
      const { owner, planner } = await scene(store);
      const changes = await owner.change(["a", "a", "a", "b", "b", "c", "c"]);
      const plan = await planner.plan(changes, ["w"]);
      const begins = ["lane", "batch", "lane", "batch", "batch", "batch", "free"] as const;
      const deliveries = plan.deliveries.map((each, index) => ({ ...each, begins: begins[index] as (typeof begins)[0] }));
      expect(await store.commitPlan({ ...plan, deliveries })).toMatchObject({
        heads: [
          { number: 1 },
          { number: 4, nextAttemptAt: 0 },
          { number: 5, nextAttemptAt: 0 },
          { number: 6, nextAttemptAt: 0 },
          { number: 7 },
        ],
      });
      const times = await timesOf(store);
      expect(times.map((time) => (time === null ? "waits" : time === 0 ? "batch" : "due"))).toEqual([
        "due",
        "waits",
        "waits",
        "batch",
        "batch",
        "batch",
        "due",
      ]);
    },
  }),

  promises("a lane that rests after each success", {
    "begins again no sooner than that, and nothing that comes meanwhile is given out": async (store) => {
      const { planner, owe } = await scene(store);
      const terms = { minIntervalMs: HOUR_MS };
      const [first] = (await owe(["a", "b"], terms)) as [never];
      const before = Date.now();
      await planner.settle(delivered(first));
      const after = Date.now();
      expect(await owe(["a", "a"], terms)).toEqual([]);
      const head = await planner.head("w", "a");
      expect(head.number).toBe(3);
      // By the database's clock, which is this machine's.
      expect(head.nextAttemptAt).toBeGreaterThanOrEqual(before + HOUR_MS - 5);
      expect(head.nextAttemptAt).toBeLessThanOrEqual(after + HOUR_MS + 5);
      expect((await timesOf(store)).filter((time) => time === null)).toHaveLength(2);
    },

    "rests by its last success alone: not by a failure, nor by that of another lane": async (store) => {
      const { owner, planner, owe } = await scene(store);
      const terms = { minIntervalMs: HOUR_MS };
      await planner.owe(await owner.change(["a", "b"]), ["x"], terms);
      await planner.settle(delivered(await planner.head("x", "a")), delivered(await planner.head("x", "b")));
      expect(await owe(["a"], terms)).toHaveLength(1);
      const lost = await planner.head("w", "a");
      await planner.settle({ ...delivered(lost), verdict: { kind: "failed", reason: "rejected" } });
      expect(await owe(["a"], terms)).toHaveLength(1);
    },

    "goes on at once where its success is long past": async (store) => {
      const { planner, owe } = await scene(store);
      const terms = { minIntervalMs: 1 };
      const [first] = (await owe(["a"], terms)) as [never];
      await planner.settle(delivered(first));
      while (Date.now() <= ((await store.getWebhook("w"))?.lastSuccessAt ?? 0) + 10) await Bun.sleep(1);
      await Bun.sleep(10);
      expect(await owe(["a"], terms)).toHaveLength(1);
    },

    "is not woken by another lane's recovery": async (store) => {
      const { planner, owe } = await scene(store);
      await owe(["a", "a", "b"]);
      await planner.settle(deliveredUntil(await planner.head("w", "a"), FAR - 3), refused(await planner.head("w", "b"), FAR - 2));
      expect(await store.wakeWebhook(planner.lease, "w", Date.now())).toBe(1);
      expect(await planner.head("w", "a")).toMatchObject({ number: 2, nextAttemptAt: FAR - 3 });
    },

    "goes on when its success says": async (store) => {
      const { planner, owe } = await scene(store);
      await owe(["a", "a"]);
      expect((await planner.settle(deliveredUntil(await planner.head("w", "a"), FAR - 3))).heads).toEqual([]);
      expect(await planner.head("w", "a")).toMatchObject({ number: 2, nextAttemptAt: FAR - 3, laneFailures: 0 });
    },
  }),
];
