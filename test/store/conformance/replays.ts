import { expect } from "bun:test";
import { deliveryId } from "../../../src/domain/delivery";
import { SETTINGS_DEFAULT } from "../../../src/domain/webhook";
import type { ReplayDraft, Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner } from "./planner";
import { addWebhook, allPages, FAR, FIRST_PAGE } from "./samples";

function draftOf(id: string, edit: Partial<ReplayDraft> = {}): ReplayDraft {
  return { id, webhookId: "w", range: { since: 0, until: FAR }, which: "undelivered", ratePerSecond: 100, ...edit };
}

/** The state of each delivery of `w`, in the order of planning; a `!` where it has a time. */
async function states(store: Store): Promise<string[]> {
  const { items } = await store.listDeliveries({ webhookId: "w" }, FIRST_PAGE);
  return items.toReversed().map(({ state, nextAttemptAt }) => `${state}${nextAttemptAt === null ? "" : "!"}`);
}

/** Five changes owed to `w`: of `a` one failed and one was delivered, of `b` and `c` one failed, of `d` one was skipped. */
async function fiveEnded(store: Store) {
  await addWebhook(store, "w");
  const owner = await Owner.of(store);
  const planner = await Planner.of(store);
  await planner.owe(await owner.change(["a", "b", "a", "c"]), ["w"]);
  await planner.settle(failed(await planner.head("w", "a"), "rejected"), failed(await planner.head("w", "b"), "rejected"));
  await planner.settle(delivered(await planner.head("w", "a")), failed(await planner.head("w", "c"), "expired"));
  await planner.owe(await owner.change(["d"]), ["w"], { state: "skipped", reason: "disabled" });
  expect(await states(store)).toEqual(["failed", "failed", "delivered", "failed", "skipped"]);
  return { owner, planner };
}

export const replayPromises: readonly Promises[] = [
  promises("a replay", {
    "makes what was not delivered due again, step by step in the order of planning, whatever restarts": async (store, opened) => {
      const { planner } = await fiveEnded(store);
      const created = await store.createReplay(draftOf("r"));
      expect(created).toMatchObject({ ...draftOf("r"), state: "running", reason: null, replayed: 0, reachedAt: 0 });
      expect(await store.advanceReplay("r", 2)).toMatchObject({ state: "running", replayed: 2 });
      expect(await states(store)).toEqual(["pending!", "pending!", "delivered", "failed", "skipped"]);
      const later = await opened.reopen();
      expect(await later.runningReplays()).toMatchObject([{ id: "r", replayed: 2 }]);
      const { items } = await later.listDeliveries({ webhookId: "w" }, FIRST_PAGE);
      expect(await later.advanceReplay("r", 2)).toMatchObject({ state: "running", replayed: 4, reachedAt: items[0]?.plannedAt });
      expect(await later.advanceReplay("r", 2)).toMatchObject({ state: "done", reason: null, replayed: 4 });
      expect(await states(later)).toEqual(["pending!", "pending!", "delivered", "pending!", "pending!"]);
      expect(await later.advanceReplay("r", 2)).toEqual(await later.getReplay("r"));
      expect(await later.runningReplays()).toEqual([]);
      const heads = await (await Planner.of(later)).heads("w");
      expect(heads.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual([1, 2, 4, 5]);
      const now = Date.now();
      for (const { nextAttemptAt, laneFailures, rejections, plannedAt } of heads) {
        expect([nextAttemptAt <= now, laneFailures, rejections]).toEqual([true, 0, 0]);
        expect(plannedAt).toBeGreaterThanOrEqual(created.createdAt);
      }
      expect(planner.planned).toBe(5);
    },

    "of all sends what was delivered, too, one of a sensor after the other": async (store) => {
      const { planner } = await fiveEnded(store);
      await store.createReplay(draftOf("r", { which: "all" }));
      expect(await store.advanceReplay("r", 100)).toMatchObject({ state: "done", replayed: 5 });
      expect(await states(store)).toEqual(["pending!", "pending!", "pending", "pending!", "pending!"]);
      const { heads } = await planner.settle(delivered(await planner.head("w", "a")));
      expect(heads).toMatchObject([{ number: 3 }]);
      expect(await store.getDelivery(deliveryId("w", 0, 1))).toMatchObject({ state: "delivered", reason: null, attempts: [{}, {}] });
    },

    "lets what leads a lane go first, and leads it on from there": async (store) => {
      await addWebhook(store, "w");
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "a", "a", "a"]), ["w"]);
      for (let turn = 0; turn < 2; turn += 1) await planner.settle(failed(await planner.head("w", "a"), "rejected"));
      await store.createReplay(draftOf("r"));
      expect(await store.advanceReplay("r", 1)).toMatchObject({ replayed: 1 });
      expect(await store.advanceReplay("r", 100)).toMatchObject({ state: "done", replayed: 2 });
      expect(await states(store)).toEqual(["pending", "pending", "pending!", "pending"]);
      const order: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) {
        const head = await planner.head("w", "a");
        order.push(head.number);
        expect(await planner.heads("w")).toHaveLength(1);
        await planner.settle(delivered(head));
      }
      expect(order).toEqual([3, 1, 2, 4]);
    },

    "takes in what was planned in its range, up to its creation": async (store) => {
      const { owner, planner } = await fiveEnded(store);
      const [last] = (await store.listDeliveries({ webhookId: "w" }, FIRST_PAGE)).items;
      const plannedAt = last?.plannedAt ?? 0;
      while (Date.now() <= plannedAt) await Bun.sleep(1);
      await store.createReplay(draftOf("none", { range: { since: plannedAt + 1, until: FAR } }));
      // As few as are taken in, no step looks at more than its limit.
      const steps = [];
      for (let turn = 0; turn < 3; turn += 1) steps.push(await store.advanceReplay("none", 2));
      expect(steps.map((step) => [step?.state, step?.replayed])).toEqual([
        ["running", 0],
        ["running", 0],
        ["done", 0],
      ]);
      await store.createReplay(draftOf("one", { range: { since: plannedAt, until: plannedAt + 1 } }));
      await planner.owe(await owner.change(["e"]), ["w"], { state: "skipped", reason: "disabled" });
      expect(await store.advanceReplay("one", 100)).toMatchObject({ state: "done", replayed: 1, reachedAt: plannedAt });
      expect(await states(store)).toEqual(["failed", "failed", "delivered", "failed", "pending!", "skipped"]);
    },

    "leaves what has nothing left to send, and what was asked for by hand meanwhile": async (store) => {
      const { owner, planner } = await fiveEnded(store);
      await owner.publishAll();
      await store.prune({ reports: 0, changes: FAR, deliveries: 0, deadLetters: 0 }, 1);
      const byHand = deliveryId("w", 0, 2);
      await expect(store.retryDelivery(deliveryId("w", 0, 1), 1)).rejects.toMatchObject({
        kind: "conflict",
        message: expect.stringContaining("its change is no longer kept"),
      });
      await store.createReplay(draftOf("r"));
      await store.retryDelivery(byHand, 7);
      expect(await store.advanceReplay("r", 100)).toMatchObject({ state: "done", replayed: 2 });
      expect(await states(store)).toEqual(["failed", "pending!", "delivered", "pending!", "pending!"]);
      expect(await store.getDelivery(byHand)).toMatchObject({ nextAttemptAt: 7 });
      expect(planner.planned).toBe(5);
    },

    "of a webhook that asks for no order makes each due by itself": async (store) => {
      await addWebhook(store, "w", { settings: { ...SETTINGS_DEFAULT, ordering: "none" } });
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "a", "a"]), ["w"], { state: "skipped", reason: "disabled" });
      await store.createReplay(draftOf("r"));
      await store.advanceReplay("r", 100);
      expect(await states(store)).toEqual(["pending!", "pending!", "pending!"]);
    },

    "is one at a time, of a webhook that is there and not disabled": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      await expect(store.createReplay(draftOf("r", { webhookId: "nobody" }))).rejects.toMatchObject({ kind: "notFound" });
      const created = await store.createReplay(draftOf("r1"));
      await expect(store.createReplay(draftOf("r2"))).rejects.toMatchObject({ kind: "conflict" });
      expect(await store.createReplay(draftOf("r3", { webhookId: "x" }))).toMatchObject({ webhookId: "x", state: "running" });
      expect(await store.getReplay("r1")).toEqual(created);
      expect(await store.getReplay("r2")).toBeNull();
      await store.cancelReplay("r1");
      await store.updateWebhook("w", { state: "disabled" }, null);
      await expect(store.createReplay(draftOf("r4"))).rejects.toMatchObject({ kind: "conflict" });
      await store.updateWebhook("w", { state: "paused" }, null);
      expect(await store.createReplay(draftOf("r4"))).toMatchObject({ state: "running" });
    },

    "ends where it stands when it is cancelled": async (store) => {
      await fiveEnded(store);
      await store.createReplay(draftOf("r"));
      await store.advanceReplay("r", 1);
      const ended = await store.cancelReplay("r");
      expect(ended).toMatchObject({ state: "cancelled", reason: "by an operator", replayed: 1 });
      expect(await store.advanceReplay("r", 100)).toEqual(ended);
      expect(await store.cancelReplay("r")).toEqual(ended);
      expect(await states(store)).toEqual(["pending!", "failed", "delivered", "failed", "skipped"]);
      await expect(store.cancelReplay("nothing")).rejects.toMatchObject({ kind: "notFound" });
      expect(await store.advanceReplay("nothing", 1)).toBeNull();
    },

    "ends, and says why, when its webhook is disabled or gone": async (store) => {
      await fiveEnded(store);
      await store.createReplay(draftOf("r1"));
      await store.updateWebhook("w", { state: "disabled" }, null);
      expect(await store.advanceReplay("r1", 100)).toMatchObject({ state: "cancelled", reason: "webhook disabled", replayed: 0 });
      await store.updateWebhook("w", { state: "active" }, null);
      await store.createReplay(draftOf("r2"));
      await store.deleteWebhook("w", null);
      expect(await store.advanceReplay("r2", 100)).toMatchObject({ state: "cancelled", reason: "webhook deleted", replayed: 0 });
      expect(await states(store)).toEqual(["failed", "failed", "delivered", "failed", "skipped"]);
    },

    "does each step once, whoever advances it at once": async (store) => {
      await addWebhook(store, "w");
      const planner = await Planner.of(store);
      await planner.owe(await (await Owner.of(store)).change(Array.from({ length: 20 }, (_, index) => `s${index}`)), ["w"], {
        state: "skipped",
        reason: "disabled",
      });
      await store.createReplay(draftOf("r"));
      await Promise.all(Array.from({ length: 5 }, () => store.advanceReplay("r", 3)));
      expect(await store.getReplay("r")).toMatchObject({ state: "running", replayed: 15 });
      expect((await states(store)).filter((each) => each === "pending!")).toHaveLength(15);
    },
  }),

  promises("the list of replays", {
    "is newest first, of one webhook or all, and loses those that ended long ago": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      for (const id of ["r1", "r2", "r3"]) {
        await store.createReplay(draftOf(id));
        if (id !== "r3") await store.advanceReplay(id, 1);
      }
      await store.createReplay(draftOf("r2x", { webhookId: "x" }));
      const idsOf = (query: { webhookId?: string }) =>
        allPages((page) => store.listReplays(query, page), 1).then((found) => found.map(({ id }) => id));
      expect(await idsOf({})).toEqual(["r3", "r2x", "r2", "r1"]);
      expect(await idsOf({ webhookId: "w" })).toEqual(["r3", "r2", "r1"]);
      expect((await store.runningReplays()).map(({ id }) => id).toSorted()).toEqual(["r2x", "r3"]);
      const before = { reports: 0, changes: 0, deliveries: 0, deadLetters: 0 };
      expect(await store.prune({ ...before, deliveries: 1 }, 10)).toMatchObject({ replays: 0 });
      expect(await store.prune({ ...before, deliveries: FAR }, 1)).toMatchObject({ replays: 1 });
      expect(await store.prune({ ...before, deliveries: FAR }, 10)).toMatchObject({ replays: 1 });
      expect(await idsOf({})).toEqual(["r3", "r2x"]);
    },
  }),
];
