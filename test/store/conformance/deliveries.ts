import { expect } from "bun:test";
import { deliveryId } from "../../../src/domain/delivery";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner, refused, threeOwed } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

export const deliveryPromises: readonly Promises[] = [
  promises("a lane", {
    "goes on with its next delivery once its head was delivered": async (store) => {
      await addWebhook(store, "w");
      const { planner, heads, ids } = await threeOwed(store);
      const outcome = await planner.settle(delivered(await planner.head("w", "a")));
      expect(outcome).toMatchObject({ held: true, heads: [{ id: ids[1], number: 2, laneFailures: 0, rejections: 0 }] });
      expect(await store.getDelivery(ids[0])).toMatchObject({
        state: "delivered",
        reason: null,
        nextAttemptAt: null,
        plannedAt: heads[0]?.plannedAt,
      });
      expect((await planner.settle(delivered(await planner.head("w", "a")))).heads).toEqual([]);
      expect((await planner.heads("w")).map(({ id }) => id)).toEqual([ids[2]]);
    },

    "waits for the time of a retry, and counts its failures in a row": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const at = Date.now() + 60_000;
      expect((await planner.settle(refused(await planner.head("w", "a"), at))).heads).toEqual([]);
      expect((await store.dueHeads(0, "w", at - 1, 10)).map(({ id }) => id)).toEqual([ids[2]]);
      const [, again] = await store.dueHeads(0, "w", at, 10);
      expect(again).toMatchObject({ id: ids[0], nextAttemptAt: at, laneFailures: 1, rejections: 0 });
      await planner.settle(refused(await planner.head("w", "a"), at + 1, { rejected: true }));
      expect(await planner.head("w", "a")).toMatchObject({ id: ids[0], nextAttemptAt: at + 1, laneFailures: 2, rejections: 1 });
    },

    "counts what comes again in pieces as one failure, however often it does": async (store) => {
      await addWebhook(store, "w");
      const { planner } = await threeOwed(store);
      for (const inPieces of [true, true, true, false]) {
        const { attempt, delivery } = refused(await planner.head("w", "a"), FAR - 5);
        await planner.settle({ delivery, attempt, verdict: { kind: "retry", nextAttemptAt: null, rejected: false, inPieces } });
        expect(await planner.head("w", "a")).toMatchObject({ laneFailures: inPieces ? 1 : 2, rejections: 0 });
      }
    },

    "hands its failures on to the next head when one fails, and forgets them at a success": async (store) => {
      await addWebhook(store, "w");
      const { owner, planner, ids } = await threeOwed(store);
      await planner.owe(await owner.change(["a"]), ["w"]);
      await planner.settle(refused(await planner.head("w", "a"), FAR - 5, { rejected: true }));
      await planner.settle(failed(await planner.head("w", "a"), "rejected"));
      expect(await store.getDelivery(ids[0])).toMatchObject({ state: "failed", reason: "rejected", nextAttemptAt: null });
      expect(await planner.head("w", "a")).toMatchObject({ id: ids[1], nextAttemptAt: FAR - 5, laneFailures: 2, rejections: 0 });
      await planner.settle(delivered(await planner.head("w", "a")));
      expect(await planner.head("w", "a")).toMatchObject({ number: 4, laneFailures: 0 });
    },

    "goes on at once after a failure whose own time was over, or at the time that is named": async (store) => {
      await addWebhook(store, "w");
      const { owner, planner, ids } = await threeOwed(store);
      await planner.owe(await owner.change(["a"]), ["w"]);
      const outcome = await planner.settle(failed(await planner.head("w", "a"), "expired", { tried: false }));
      expect(outcome.heads).toMatchObject([{ id: ids[1], laneFailures: 0 }]);
      const named = await planner.settle(failed(await planner.head("w", "a"), "rejected", { nextAttemptAt: FAR - 7 }));
      expect(named.heads).toEqual([]);
      expect(await planner.head("w", "a")).toMatchObject({ number: 4, nextAttemptAt: FAR - 7, laneFailures: 1 });
    },
  }),

  promises("outcomes", {
    "of a lost lease are not written": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const head = await planner.head("w", "a");
      await Planner.of(store);
      expect(await planner.settle(delivered(head))).toEqual({ held: false, heads: [] });
      expect(await store.getDelivery(ids[0])).toMatchObject({ state: "pending", attempts: [] });
      expect(await store.getWebhook("w")).toMatchObject({ lastSuccessAt: null });
    },

    "are kept attempt by attempt, in order": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const head = await planner.head("w", "a");
      const attempts = [
        { at: 30, durationMs: 1, statusCode: 503, error: null, response: '{"busy": "\u{1F514}"}' },
        { at: 20, durationMs: 2, statusCode: null, error: "connect ECONNREFUSED", response: null },
        { at: 10, durationMs: 0, statusCode: 204, error: null, response: null },
      ] as const;
      const retry = { kind: "retry", nextAttemptAt: 40, rejected: false } as const;
      await planner.settle({ delivery: head, attempt: attempts[0], verdict: retry });
      await planner.settle(
        { delivery: head, attempt: attempts[1], verdict: retry },
        { delivery: head, attempt: attempts[2], verdict: { kind: "delivered" } },
      );
      expect(await store.getDelivery(ids[0])).toMatchObject({ state: "delivered", attempts });
      expect((await store.listDeliveries({ sensorId: "a" }, FIRST_PAGE)).items.at(-1)).toMatchObject({ id: ids[0], attempts });
    },

    "that are settled again, because the answer was lost, count once": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const outcomes = [
        refused(await planner.head("w", "a"), FAR, { rejected: true, at: 100 }),
        refused(await planner.head("w", "b"), FAR, { at: 110 }),
      ];
      await planner.settle(...outcomes);
      await planner.settle(...outcomes, delivered(await planner.head("w", "b"), 120));
      expect(await planner.head("w", "a")).toMatchObject({ id: ids[0], nextAttemptAt: FAR, laneFailures: 1, rejections: 1 });
      expect((await store.getDelivery(ids[0]))?.attempts).toHaveLength(1);
      expect(await store.getDelivery(ids[2])).toMatchObject({ state: "delivered", attempts: [{ at: 110 }, { at: 120 }] });
      await planner.settle(...outcomes);
      expect(await store.getWebhook("w")).toMatchObject({ lastSuccessAt: 120, failingSince: null });
    },

    "are kept, though a delivery was sent again at the time of its planning, by the clock of somebody else": async (store) => {
      await addWebhook(store, "w");
      const { planner, heads, ids } = await threeOwed(store);
      const first = await planner.head("w", "a");
      await planner.settle(delivered(first, 5));
      await store.retryDelivery(first.id, heads[0]?.plannedAt ?? 0);
      await planner.settle(delivered(first, 5), delivered(await planner.head("w", "b"), 6));
      expect(await store.getDelivery(ids[0])).toMatchObject({ state: "pending", attempts: [{ at: 5 }] });
      expect(await store.getDelivery(ids[2])).toMatchObject({ state: "delivered", attempts: [{ at: 6 }] });
      await planner.settle(delivered(first, 7));
      expect(await store.getDelivery(ids[0])).toMatchObject({ state: "delivered", attempts: [{ at: 5 }, { at: 7 }] });
    },

    "of a delivery that ended meanwhile leave it as it is, but for the attempt": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const head = await planner.head("w", "a");
      await store.deleteWebhook("w", null);
      expect(await store.failOwed("w", "deleted", 10)).toBe(3);
      for (const settlement of [refused(head, FAR), failed(head, "rejected"), delivered(head)]) {
        expect(await planner.settle(settlement)).toEqual({ held: true, heads: [] });
      }
      expect(await store.getDelivery(ids[0])).toMatchObject({ state: "failed", reason: "deleted", nextAttemptAt: null });
      expect((await store.getDelivery(ids[0]))?.attempts).toHaveLength(3);
      expect(await planner.heads("w")).toEqual([]);
    },

    "move along since when a webhook fails and when it last succeeded": async (store) => {
      await addWebhook(store, "w");
      const { planner } = await threeOwed(store);
      const [a, b] = [await planner.head("w", "a"), await planner.head("w", "b")];
      await planner.settle(failed(a, "expired", { tried: false }));
      expect(await store.getWebhook("w")).toMatchObject({ lastSuccessAt: null, failingSince: null });
      await planner.settle(refused(b, 1, { at: 100 }), refused(await planner.head("w", "a"), 1, { at: 110 }));
      await planner.settle(refused(b, 1, { at: 120 }));
      expect(await store.getWebhook("w")).toMatchObject({ lastSuccessAt: null, failingSince: 100, version: 1 });
      await planner.settle(delivered(b, 130), refused(await planner.head("w", "a"), 1, { at: 140 }));
      expect(await store.getWebhook("w")).toMatchObject({ lastSuccessAt: 130, failingSince: 140 });
      await planner.settle(delivered(await planner.head("w", "a"), 150));
      expect(await store.getWebhook("w")).toMatchObject({ lastSuccessAt: 150, failingSince: null });
    },

    "keep the beginning of each answer": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const response = 'no "such" thing, \\ {sorry}\n\u{1F614}';
      await planner.settle(refused(await planner.head("w", "a"), FAR, { response }), delivered(await planner.head("w", "b")));
      expect((await store.getDelivery(ids[0]))?.attempts).toMatchObject([{ response, statusCode: 503 }]);
      expect((await store.getDelivery(ids[2]))?.attempts).toMatchObject([{ response: null }]);
    },

    "say until when an endpoint asked to be left alone, the longest of them, whatever it takes meanwhile": async (store) => {
      await addWebhook(store, "w");
      const { planner } = await threeOwed(store);
      const asking = async (sensorId: string, until: number | null) => refused(await planner.head("w", sensorId), 1, { heldUntil: until });
      const heldUntil = async () => (await store.getWebhook("w"))?.heldUntil;
      await planner.settle(await asking("a", 500), await asking("b", 300));
      expect(await heldUntil()).toBe(500);
      await planner.settle(await asking("a", null));
      await planner.settle(await asking("a", 400), refused(await planner.head("w", "b"), 1));
      expect(await heldUntil()).toBe(500);
      await planner.settle(await asking("a", 900));
      expect(await heldUntil()).toBe(900);
      await planner.settle(delivered(await planner.head("w", "b")), await asking("a", 600));
      expect(await heldUntil()).toBe(900);
      // At once, however short the time since the last success.
      await planner.settle(delivered(await planner.head("w", "a")));
      expect(await store.getWebhook("w")).toMatchObject({ heldUntil: 900, failingSince: null });
    },

    "are written though the webhook is gone, and nobody leads its lanes to a paused one": async (store) => {
      await addWebhook(store, "w");
      const { planner, ids } = await threeOwed(store);
      const head = await planner.head("w", "a");
      await store.updateWebhook("w", { state: "paused" }, null);
      expect(await planner.settle(delivered(head))).toEqual({ held: true, heads: [] });
      await store.deleteWebhook("w", null);
      expect((await planner.heads("w")).map(({ id }) => id).toSorted()).toEqual([ids[1], ids[2]]);
      expect(await store.webhookById("w")).toBeNull();
      expect((await planner.settle(failed(await planner.head("w", "a"), "deleted", { tried: false }))).held).toBe(true);
      expect(await store.getDelivery(ids[1])).toMatchObject({ state: "failed", reason: "deleted", attempts: [] });
    },

    "extend the lease": async (store) => {
      const planner = await Planner.of(store);
      await store.renewLease(planner.lease, -1);
      await planner.settle();
      expect(await store.acquireLease({ role: "notify", partition: 0, owner: "other", ttlMs: 1000, takeOver: false })).toBeNull();
    },
  }),

  promises("what is due", {
    "is handed out by webhook and partition, the longest due first, as many as are asked for": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "b", "c", "d"]), ["w", "x"]);
      const times = { a: 300, b: 100, c: 200, d: FAR };
      for (const [sensorId, at] of Object.entries(times)) await planner.settle(refused(await planner.head("w", sensorId), at));
      const due = async (now: number, limit: number) => (await store.dueHeads(0, "w", now, limit)).map(({ sensorId }) => sensorId);
      expect(await due(300, 10)).toEqual(["b", "c", "a"]);
      expect(await due(299, 1)).toEqual(["b"]);
      expect(await due(99, 10)).toEqual([]);
      expect(await store.dueHeads(1, "w", FAR, 10)).toEqual([]);
      expect(await store.dueHeads(0, "nobody", FAR, 10)).toEqual([]);
    },

    "is told once for each webhook that anything is pending for, with the times of its next head and its last": async (store) => {
      for (const id of ["w", "x", "y"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "b"]), ["w", "x"]);
      for (const id of ["w", "x"])
        for (const sensor of ["a", "b"]) await planner.settle(refused(await planner.head(id, sensor), sensor === "a" ? 700 : 600));
      expect(await store.nextDue(0)).toEqual([
        { webhookId: "w", nextAttemptAt: 600, lastAttemptAt: 700, deleted: false },
        { webhookId: "x", nextAttemptAt: 600, lastAttemptAt: 700, deleted: false },
      ]);
      expect(await store.nextDue(1)).toEqual([]);
      for (const sensor of ["a", "b"]) await planner.settle(delivered(await planner.head("w", sensor)));
      expect(await store.nextDue(0)).toEqual([{ webhookId: "x", nextAttemptAt: 600, lastAttemptAt: 700, deleted: false }]);
    },

    "is told of a webhook that is gone as well, marked, and of none that is paused": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a"]), ["w", "x"]);
      await planner.settle(refused(await planner.head("w", "a"), FAR));
      for (const id of ["w", "x"]) await store.updateWebhook(id, { state: "paused" }, null);
      expect(await store.nextDue(0)).toEqual([]);
      await store.deleteWebhook("w", null);
      expect(await store.nextDue(0)).toEqual([{ webhookId: "w", nextAttemptAt: FAR, lastAttemptAt: FAR, deleted: true }]);
    },

    "moves to now for the waiting heads of a webhook that is woken, and for no other": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "b", "c"]), ["w", "x"]);
      for (const id of ["w", "x"]) for (const sensor of ["a", "b"]) await planner.settle(refused(await planner.head(id, sensor), FAR));
      const now = Date.now() + 1000;
      expect(await store.wakeWebhook(planner.lease, "w", now)).toBe(2);
      expect(await store.wakeWebhook(planner.lease, "w", now)).toBe(0);
      expect(await store.dueHeads(0, "w", now, 10)).toHaveLength(3);
      expect((await store.dueHeads(0, "w", now, 10)).map(({ laneFailures }) => laneFailures)).toEqual([0, 1, 1]);
      expect(await store.dueHeads(0, "x", now, 10)).toHaveLength(1);
      await Planner.of(store);
      expect(await store.wakeWebhook(planner.lease, "x", now)).toBe(0);
      expect(await store.dueHeads(0, "x", now, 10)).toHaveLength(1);
    },
  }),

  promises("the least time between two deliveries of a sensor", {
    "stays when a webhook is woken: nothing of it failed": async (store) => {
      await addWebhook(store, "w");
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "a", "b"]), ["w"]);
      const first = delivered(await planner.head("w", "a"));
      await planner.settle({ ...first, verdict: { kind: "delivered", nextAttemptAt: FAR } });
      await planner.settle(refused(await planner.head("w", "b"), FAR));
      const now = Date.now() + 1000;
      expect(await store.wakeWebhook(planner.lease, "w", now)).toBe(1);
      expect((await store.dueHeads(0, "w", now, 10)).map(({ sensorId }) => sensorId)).toEqual(["b"]);
      await store.updateWebhook("w", { url: "https://elsewhere.example/" }, null);
      expect((await store.dueHeads(0, "w", now, 10)).map(({ sensorId }) => sensorId)).toEqual(["b"]);
    },
  }),

  promises("a change's body", {
    "is what was recorded, for as long as it is owed": async (store) => {
      await addWebhook(store, "w");
      const { owner, ids } = await threeOwed(store);
      await owner.publishAll();
      const [logged] = await store.changesAfter(0, 0, 1);
      expect(await store.loggedChange(0, 1)).toEqual(logged ?? null);
      expect(ids[0]).toBe(deliveryId("w", 0, 1));
    },
  }),
];
