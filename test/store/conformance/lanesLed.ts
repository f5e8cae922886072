import { expect } from "bun:test";
import { ATTEMPTS_SHOWN_MAX, type Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner, refused } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

const HOUR_MS = 3_600_000;

async function scene(store: Store) {
  await addWebhook(store, "w");
  return { owner: await Owner.of(store), planner: await Planner.of(store) };
}

/** Replays whatever of `w` ended, up to its end. */
async function replayAll(store: Store): Promise<void> {
  await store.createReplay({ id: "r", webhookId: "w", range: { since: 0, until: FAR }, which: "all", ratePerSecond: 100 });
  while ((await store.advanceReplay("r", 100))?.state === "running");
}

/** Delivers head after head; gives the numbers of what is pending then. */
async function drain(store: Store, planner: Planner): Promise<number[]> {
  for (let heads = await planner.heads("w"); heads.length > 0; heads = await planner.heads("w")) {
    await planner.settle(...heads.map((head) => delivered(head)));
  }
  const { items } = await store.listDeliveries({ webhookId: "w", states: ["pending"] }, FIRST_PAGE);
  return items.map(({ id }) => Number(id.split("_").at(-1)));
}

export const lanesLedPromises: readonly Promises[] = [
  promises("a lane whose older deliveries are replayed behind its head", {
    "is still led when only some of it was ended before its webhook came back": async (store) => {
      const { owner, planner } = await scene(store);
      await planner.owe(await owner.change(["a", "a"]), ["w"]);
      await drain(store, planner);
      await planner.owe(await owner.change(["a"]), ["w"]);
      await planner.settle(refused(await planner.head("w", "a"), FAR - 1));
      await replayAll(store);
      for (const limit of [1, 2]) {
        await store.updateWebhook("w", { state: "disabled" }, null);
        expect(await store.failOwed("w", "disabled", limit)).toBe(limit);
        await store.updateWebhook("w", { state: "active" }, null);
        if (limit === 1) expect((await planner.heads("w")).length).toBeGreaterThan(0);
      }
      expect(await drain(store, planner)).toEqual([]);
    },
  }),

  promises("a delivery that was tried very often", {
    "is shown with the last of its attempts, in their order": async (store) => {
      const { owner, planner } = await scene(store);
      await planner.owe(await owner.change(["a"]), ["w"]);
      const head = await planner.head("w", "a");
      const more = ATTEMPTS_SHOWN_MAX + 3;
      await planner.settle(...Array.from({ length: more }, (_, index) => refused(head, FAR, { at: 10 + index })));
      const last = Array.from({ length: ATTEMPTS_SHOWN_MAX }, (_, index) => 10 + 3 + index);
      expect((await store.getDelivery(head.id))?.attempts.map(({ at }) => at)).toEqual(last);
      expect((await store.listDeliveries({}, FIRST_PAGE)).items[0]?.attempts.map(({ at }) => at)).toEqual(last);
    },
  }),

  promises("what waits for an endpoint that is back", {
    "is what failed, and not what rests after a success": async (store) => {
      const { owner, planner } = await scene(store);
      const terms = { minIntervalMs: HOUR_MS };
      await planner.owe(await owner.change(["a", "a", "b", "b"]), ["w"], terms);
      const restsUntil = Date.now() + HOUR_MS;
      await planner.settle(
        { ...delivered(await planner.head("w", "a")), verdict: { kind: "delivered", nextAttemptAt: restsUntil } },
        refused(await planner.head("w", "b"), restsUntil),
      );
      const now = Date.now();
      expect(await store.wakeWebhook(planner.lease, "w", now)).toBe(1);
      expect(await planner.head("w", "a")).toMatchObject({ number: 2, nextAttemptAt: restsUntil });
      expect(await planner.head("w", "b")).toMatchObject({ number: 3, nextAttemptAt: now });
      await planner.settle(failed(await planner.head("w", "b"), "rejected", { nextAttemptAt: FAR }));
      expect(await store.wakeWebhook(planner.lease, "w", now)).toBe(1);
    },
  }),
];
