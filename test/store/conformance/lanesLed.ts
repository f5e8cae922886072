import { expect } from "bun:test";
import { SETTINGS_DEFAULT, termsOf, type WebhookSettings } from "../../../src/domain/webhook";
import { ATTEMPTS_SHOWN_MAX, type DueDelivery, type Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner, refused } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

const HOUR_MS = 3_600_000;
/** More than are put in order at once. */
const LONG = 2100;
const TERMS: readonly Partial<WebhookSettings>[] = [
  {},
  { mode: "latest" },
  { mode: "latest", minIntervalSeconds: 3600 },
  { ordering: "none" },
  { batch: { maxItems: 10, maxWaitMs: 0 } },
];

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

  promises("what is replayed of a lane that rests after each success", {
    "waits for the end of its rest": async (store) => {
      const { owner, planner } = await scene(store);
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, mode: "latest", minIntervalSeconds: 3600 } }, null);
      await planner.owe(await owner.change(["a", "a", "b"]), ["w"], { minIntervalMs: HOUR_MS });
      const before = Date.now();
      await planner.settle(delivered(await planner.head("w", "a")), failed(await planner.head("w", "b"), "rejected"));
      await planner.settle(delivered(await planner.head("w", "a")));
      await replayAll(store);
      expect((await planner.head("w", "a")).nextAttemptAt).toBeGreaterThanOrEqual(before + HOUR_MS - 5);
      expect((await planner.head("w", "b")).nextAttemptAt).toBeLessThanOrEqual(Date.now());
      expect(await planner.heads("w")).toHaveLength(2);
    },
  }),

  promises("a webhook that is edited while it is owed", {
    "gets all of it, whatever its terms were and are, and in order where they ask for it": async (store) => {
      const { owner, planner } = await scene(store);
      for (const [from, to] of TERMS.flatMap((one) => TERMS.map((other) => [one, other] as const))) {
        const at = async (settings: Partial<WebhookSettings>) => {
          await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, ...settings } }, null);
          const { begins, minIntervalMs } = termsOf({ ...SETTINGS_DEFAULT, ...settings });
          await planner.owe(await owner.change(["a", "b", "a", "a"]), ["w"], { begins, minIntervalMs });
        };
        await at(from);
        const [tried] = await planner.heads("w");
        await planner.settle(refused(tried as DueDelivery, FAR));
        await at(to);
        const inOrder = termsOf({ ...SETTINGS_DEFAULT, ...to }).begins === "lane";
        const sent: string[] = [];
        for (let heads = await planner.heads("w"); heads.length > 0; heads = await planner.heads("w")) {
          if (inOrder) expect(new Set(heads.map(({ sensorId }) => sensorId)).size).toBe(heads.length);
          sent.push(...heads.map(({ sensorId, number }) => `${sensorId} ${String(number).padStart(4, "0")}`));
          await planner.settle(...heads.map((head) => delivered(head)));
        }
        expect([from, to, sent.length]).toEqual([from, to, 8]);
        const ofA = sent.filter((each) => each.startsWith("a"));
        if (inOrder) expect(ofA).toEqual(ofA.toSorted());
      }
    },

    "need not wait for what was sent again by hand": async (store) => {
      const { owner, planner } = await scene(store);
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, ordering: "none" } }, null);
      await planner.owe(await owner.change(["a"]), ["w"], { begins: "free" });
      const [again] = (await planner.heads("w")) as [DueDelivery];
      await planner.settle(delivered(again));
      await planner.owe(await owner.change(["a", "a"]), ["w"], { begins: "free" });
      await store.retryDelivery(again.id, Date.now() + 5);
      await store.updateWebhook("w", { settings: SETTINGS_DEFAULT }, null);
      expect((await planner.heads("w")).map(({ number }) => number)).toEqual([2, 1]);
    },

    "has nothing waiting behind what fails once it wants no order, and all of it in one once it takes batches": async (store) => {
      const { owner, planner } = await scene(store);
      await planner.owe(await owner.change(["a", "a", "a"]), ["w"]);
      await planner.settle(refused(await planner.head("w", "a"), FAR));
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, ordering: "none" } }, null);
      expect((await store.dueHeads(0, "w", Date.now(), 10)).map(({ number }) => number)).toEqual([2, 3]);
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, batch: { maxItems: 2, maxWaitMs: 0 } } }, null);
      expect((await store.dueHeads(0, "w", 0, 10)).map(({ number }) => number)).toEqual([1, 2, 3]);
      expect(await planner.owe(await owner.change(["a"]), ["w"], { begins: "batch" })).toMatchObject([{ number: 4, nextAttemptAt: 0 }]);
    },

    "leaves what is told of operations in its order": async (store) => {
      const { planner } = await scene(store);
      const events: Partial<WebhookSettings> = { events: ["webhook.disabled"] };
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, ...events } }, null);
      for (const id of ["x", "y"]) {
        await addWebhook(store, id);
        await store.updateWebhook(id, { state: "disabled" }, null);
      }
      const before = await planner.heads("w");
      expect(before).toHaveLength(1);
      for (const terms of TERMS) await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, ...events, ...terms } }, null);
      expect(await planner.heads("w")).toEqual(before);
    },

    "is put in order behind thousands": async (store) => {
      const { owner, planner } = await scene(store);
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, batch: { maxItems: 2, maxWaitMs: 0 } } }, null);
      const sensorIds = Array.from({ length: LONG }, (_, index) => (index < 2 ? "b" : "a"));
      await planner.oweMany(owner, sensorIds, ["w"], { begins: "batch" });
      expect(await planner.heads("w")).toHaveLength(LONG);
      await store.updateWebhook("w", { settings: SETTINGS_DEFAULT }, null);
      expect((await planner.heads("w")).map(({ number }) => number)).toEqual([1, 3]);
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
];
