import { expect } from "bun:test";
import { EVENTS_LANE } from "../../../src/domain/delivery";
import { type EventKind, SETTINGS_DEFAULT } from "../../../src/domain/webhook";
import { type DeliveryRecord, FAILING_TOLD_AFTER_MS, type Store } from "../../../src/store/store";
import { type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner, refused, threeOwed } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

const EVERY_KIND: readonly EventKind[] = ["webhook.disabled", "webhook.failing", "delivery.failed"];
const NOTHING = { reports: 0, changes: 0, deliveries: 0, deadLetters: 0 };

function addAsking(store: Store, id: string, events: readonly EventKind[] = EVERY_KIND) {
  return addWebhook(store, id, { settings: { ...SETTINGS_DEFAULT, events } });
}

/** What an asking webhook is owed of events, the first told first. */
async function owed(store: Store, webhookId: string): Promise<DeliveryRecord[]> {
  const { items } = await store.listDeliveries({ webhookId }, FIRST_PAGE);
  return items.filter(({ eventId }) => eventId !== null).toReversed();
}

function numberOf({ eventId }: DeliveryRecord): number {
  return Number(eventId?.slice("evt_".length));
}

/** The events that an asking webhook is owed, their data parsed. */
async function told(store: Store, webhookId: string) {
  const numbers = (await owed(store, webhookId)).map(numberOf);
  const events = await Promise.all(numbers.map((number) => store.operationalEvent(number)));
  return events.map((event) => ({ kind: event?.kind, webhookId: event?.webhookId, data: JSON.parse(event?.data ?? "null") }));
}

export const operationalEventPromises: readonly Promises[] = [
  promises("what the service says of itself", {
    "is owed, as deliveries of a lane of its own, to those who ask": async (store) => {
      await addWebhook(store, "w", { url: "https://user:word@receiver.example:8443/hook?token=1#top" });
      await addAsking(store, "asks");
      await addAsking(store, "other", ["webhook.failing"]);
      await addWebhook(store, "deaf");
      const planner = await Planner.of(store);
      await store.updateWebhook("w", { state: "disabled", stateReason: "gone" }, null);
      expect(await told(store, "asks")).toEqual([
        {
          kind: "webhook.disabled",
          webhookId: "w",
          data: { webhookId: "w", url: "https://receiver.example:8443/hook", reason: "gone", failingSince: null, lastSuccessAt: null },
        },
      ]);
      const [delivery] = (await owed(store, "asks")) as [DeliveryRecord];
      const number = numberOf(delivery);
      const id = `asks_evt_${number}`;
      const carried = { changeId: null, eventId: `evt_${number}`, sensorId: null, partition: 0, revision: 0 };
      expect(delivery).toMatchObject({ id, ...carried, state: "pending", nextAttemptAt: expect.any(Number), attempts: [] });
      expect(await planner.heads("asks")).toMatchObject([{ id, sensorId: EVENTS_LANE, number, partition: 0 }]);
      for (const silent of ["other", "deaf", "w"]) expect(await owed(store, silent)).toEqual([]);
      expect(await store.operationalEvent(number + 1)).toBeNull();
    },

    "of a webhook that is disabled is said once each time, of a reason or an operator": async (store) => {
      for (const id of ["w", "x"]) await addWebhook(store, id);
      await addAsking(store, "asks");
      await store.updateWebhook("w", { state: "disabled" }, null);
      await store.updateWebhook("w", { state: "disabled", description: "edited" }, null);
      await store.updateWebhook("x", { state: "paused" }, null);
      await store.updateWebhook("w", { state: "active" }, null);
      await store.updateWebhook("w", { state: "disabled", stateReason: "again" }, null);
      expect((await told(store, "asks")).map(({ data }) => data.reason)).toEqual(["by an operator", "again"]);
      expect((await owed(store, "asks")).map(({ nextAttemptAt }) => nextAttemptAt === null)).toEqual([false, true]);
    },

    "is not owed to whom it speaks of, nor to the disabled; what is owed to the paused waits": async (store) => {
      for (const id of ["self", "off", "paused"]) await addAsking(store, id);
      await store.updateWebhook("off", { state: "disabled" }, null);
      await store.updateWebhook("paused", { state: "paused" }, null);
      const planner = await Planner.of(store);
      await store.updateWebhook("self", { state: "disabled" }, null);
      expect((await told(store, "self")).map((event) => event.webhookId)).toEqual(["off"]);
      expect(await owed(store, "off")).toEqual([]);
      expect((await told(store, "paused")).map((event) => event.webhookId)).toEqual(["off", "self"]);
      expect(await planner.heads("paused")).toEqual([]);
      await store.updateWebhook("paused", { state: "active" }, null);
      expect(await planner.heads("paused")).toHaveLength(1);
    },

    "of a webhook that fails is said once for each time that it fails for long": async (store) => {
      await addWebhook(store, "w");
      await addAsking(store, "asks");
      const { planner } = await threeOwed(store);
      const head = () => planner.head("w", "a");
      await planner.settle(refused(await head(), FAR, { at: 5000 }));
      expect(await told(store, "asks")).toEqual([]);
      const { heads } = await planner.settle(refused(await head(), FAR));
      expect(heads).toMatchObject([{ webhookId: "asks", sensorId: EVENTS_LANE, laneFailures: 0, rejections: 0 }]);
      await planner.settle(refused(await head(), FAR));
      await planner.settle(delivered(await planner.head("w", "b"), 6000));
      const recently = Date.now() - FAILING_TOLD_AFTER_MS + 60_000;
      for (const at of [recently, recently + 1]) await planner.settle(refused(await head(), FAR, { at }));
      const data = { webhookId: "w", url: "https://receiver.example/w", error: null, statusCode: 503 };
      const first = { ...data, failingSince: new Date(5000).toISOString(), lastSuccessAt: null };
      const asTold: Awaited<ReturnType<typeof told>> = [{ kind: "webhook.failing", webhookId: "w", data: first }];
      expect(await told(store, "asks")).toEqual(asTold);
      await planner.settle(delivered(await head(), 7000));
      for (const at of [8000, 8001]) await planner.settle(refused(await head(), FAR, { at }));
      const second = { ...data, failingSince: new Date(8000).toISOString(), lastSuccessAt: new Date(7000).toISOString() };
      expect(await told(store, "asks")).toEqual([...asTold, { kind: "webhook.failing", webhookId: "w", data: second }]);
    },

    "of a change that was not delivered is said when it was refused, or too old": async (store) => {
      await addWebhook(store, "w");
      await addAsking(store, "asks", ["delivery.failed"]);
      const owner = await Owner.of(store);
      const planner = await Planner.of(store);
      await planner.owe(await owner.change(["a", "b", "c", "d"]), ["w"]);
      const [a, b, c, d] = (await planner.heads("w")) as [never, never, never, never];
      await planner.settle(refused(a, FAR));
      await planner.settle(failed(a, "rejected"), failed(b, "expired", { tried: false }), failed(c, "deleted"), delivered(d));
      const data = (number: number, sensorId: string) => ({
        deliveryId: `w_0_${number}`,
        webhookId: "w",
        changeId: `chg_0_${number}`,
        sensorId,
        revision: 1,
      });
      expect(await told(store, "asks")).toEqual([
        {
          kind: "delivery.failed",
          webhookId: "w",
          data: { ...data(1, "a"), reason: "rejected", attempts: 2, lastError: null, lastStatusCode: 422 },
        },
        {
          kind: "delivery.failed",
          webhookId: "w",
          data: { ...data(2, "b"), reason: "expired", attempts: 0, lastError: null, lastStatusCode: null },
        },
      ]);
      // What is said of what was said would have no end.
      await addAsking(store, "other", ["delivery.failed"]);
      await planner.settle(failed(await planner.head("asks", EVENTS_LANE), "rejected"));
      expect(await owed(store, "other")).toEqual([]);
    },

    "is said once of a settlement whose answer was lost": async (store) => {
      await addWebhook(store, "w");
      await addAsking(store, "asks");
      const { heads, planner } = await threeOwed(store);
      const settlement = failed(heads[0] as NonNullable<(typeof heads)[0]>, "rejected");
      await planner.settle(settlement);
      await planner.settle(settlement);
      expect(await told(store, "asks")).toHaveLength(1);
    },

    "comes one after the other, in each partition by itself": async (store) => {
      await store.fixPartitionCount(2, 2);
      await addWebhook(store, "w");
      await addAsking(store, "asks", ["delivery.failed"]);
      const planners: Planner[] = [];
      for (const partition of [0, 1]) {
        const owner = await Owner.of(store, partition);
        const planner = await Planner.of(store, partition);
        await planner.owe(await owner.change([`${partition}a`, `${partition}b`]), ["w"]);
        const heads = await planner.heads("w");
        const said = await planner.settle(...heads.map((head) => failed(head, "rejected")));
        expect(said.heads).toMatchObject([{ webhookId: "asks", sensorId: EVENTS_LANE, partition }]);
        planners.push(planner);
      }
      for (const [partition, planner] of planners.entries()) {
        const first = await planner.head("asks", EVENTS_LANE);
        const { heads } = await planner.settle(delivered(first));
        expect(heads).toMatchObject([{ sensorId: EVENTS_LANE, partition }]);
        expect(heads[0]?.number).toBeGreaterThan(first.number);
        expect((await planner.settle(...heads.map((head) => delivered(head)))).heads).toEqual([]);
      }
      expect(new Set((await owed(store, "asks")).map(({ state }) => state))).toEqual(new Set(["delivered"]));
    },

    "can be asked for again as long as it is kept, and is kept while it is owed": async (store) => {
      await addWebhook(store, "w");
      await addAsking(store, "asks");
      const planner = await Planner.of(store);
      for (const state of ["disabled", "active", "disabled"] as const) await store.updateWebhook("w", { state }, null);
      await planner.settle(delivered(await planner.head("asks", EVENTS_LANE)));
      const [first, second] = (await owed(store, "asks")) as [DeliveryRecord, DeliveryRecord];
      expect(await store.retryDelivery(first.id, Date.now())).toMatchObject({ state: "pending", eventId: first.eventId });
      const before = { ...NOTHING, deliveries: FAR };
      expect(await store.prune(before, 10)).toMatchObject({ operational_events: 0 });
      const again = (await planner.heads("asks")).find(({ id }) => id === first.id);
      await planner.settle(delivered(again as NonNullable<typeof again>));
      expect(await store.prune(before, 10)).toMatchObject({ operational_events: 1, deliveries: 1, attempts: 2 });
      expect(await store.operationalEvent(numberOf(first))).toBeNull();
      expect(await store.operationalEvent(numberOf(second))).toMatchObject({ kind: "webhook.disabled" });
      await planner.settle(delivered(await planner.head("asks", EVENTS_LANE)));
      expect(await store.prune({ ...NOTHING, deliveries: 1 }, 10)).toMatchObject({ operational_events: 0, deliveries: 0 });
      expect(await store.prune(before, 10)).toMatchObject({ operational_events: 1 });
    },
  }),
];
