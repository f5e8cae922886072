import { expect } from "bun:test";
import fc from "fast-check";
import { SETTINGS_DEFAULT, type WebhookSettings } from "../../../src/domain/webhook";
import type { PlannedDelivery, Store } from "../../../src/store/store";
import { onNewStore, type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner, refused } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

const WALKS = 25;
const SENSORS = ["a", "b"];
const HOUR_MS = 3_600_000;

type Terms = Pick<PlannedDelivery, "begins" | "minIntervalMs">;
type Step =
  | { readonly kind: "plan"; readonly parts: readonly { readonly sensorId: string; readonly terms: Terms }[] }
  | { readonly kind: "settle"; readonly picks: readonly number[]; readonly verdict: "delivered" | "retry" | "stay" | "failed" }
  | { readonly kind: "coalesce"; readonly limit: number; readonly except: readonly number[] }
  | { readonly kind: "repeat"; readonly pick: number }
  | { readonly kind: "replay"; readonly steps: number; readonly settings: Partial<WebhookSettings> }
  | { readonly kind: "failOwed"; readonly limit: number };

/** What a webhook may be edited to meanwhile, as far as lanes know of it. */
const SETTINGS: readonly Partial<WebhookSettings>[] = [
  {},
  { mode: "latest" },
  { mode: "latest", minIntervalSeconds: 3600 },
  { ordering: "none" },
  { batch: { maxItems: 10, maxWaitMs: 0 } },
];

const terms: fc.Arbitrary<Terms> = fc.constantFrom(
  { begins: "lane", minIntervalMs: 0 },
  { begins: "lane", minIntervalMs: HOUR_MS },
  { begins: "free", minIntervalMs: 0 },
  { begins: "batch", minIntervalMs: 0 },
);
const part = fc.record({ sensorId: fc.constantFrom(...SENSORS), terms });
const picks = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("plan"), parts: fc.array(part, { minLength: 1, maxLength: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("settle"), picks, verdict: fc.constantFrom("delivered", "retry", "stay", "failed") }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("coalesce"),
      limit: fc.integer({ min: 1, max: 6 }),
      except: fc.array(fc.nat({ max: 9 }), { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("repeat"), pick: fc.nat({ max: 30 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("replay"),
      steps: fc.integer({ min: 1, max: 4 }),
      settings: fc.constantFrom(...SETTINGS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("failOwed"), limit: fc.integer({ min: 1, max: 4 }) }) },
);

async function take(store: Store, { owner, planner }: { owner: Owner; planner: Planner }, taken: Step): Promise<void> {
  const heads = await planner.heads("w");
  const picked = (wanted: readonly number[]) => [...new Set(wanted.flatMap((pick) => heads[pick % Math.max(1, heads.length)] ?? []))];
  switch (taken.kind) {
    case "plan": {
      const changes = await owner.change(taken.parts.map(({ sensorId }) => sensorId));
      const plan = await planner.plan(changes, ["w"]);
      const deliveries = plan.deliveries.map((each, place) => ({ ...each, ...taken.parts[place]?.terms }));
      expect(await store.commitPlan({ ...plan, deliveries })).toMatchObject({ kind: "planned" });
      planner.planned = plan.to;
      return;
    }
    case "settle":
      await planner.settle(
        ...picked(taken.picks).map((head) => {
          if (taken.verdict === "delivered") return delivered(head);
          return taken.verdict === "failed" ? failed(head, "rejected") : refused(head, taken.verdict === "stay" ? null : FAR);
        }),
      );
      return;
    case "coalesce": {
      const except = picked(taken.except);
      const query = { webhookId: "w", now: FAR, limit: taken.limit, except: except.map(({ id }) => id) };
      const given = (await store.coalesceDue(planner.lease, query)).heads.map(({ sensorId }) => sensorId);
      expect(new Set(given).size).toBe(given.length);
      for (const { sensorId } of except) expect(given).not.toContain(sensorId);
      return;
    }
    case "repeat": {
      const { items } = await store.listDeliveries({}, FIRST_PAGE);
      const chosen = items[taken.pick % Math.max(1, items.length)];
      if (chosen === undefined || (chosen.state === "pending" && chosen.nextAttemptAt === null)) return;
      await store.retryDelivery(chosen.id, Date.now());
      return;
    }
    case "replay":
      await store.updateWebhook("w", { settings: { ...SETTINGS_DEFAULT, ...taken.settings } }, null);
      await replay(store, taken.steps);
      return;
    case "failOwed":
      await store.updateWebhook("w", { state: "disabled" }, null);
      await store.failOwed("w", "disabled", taken.limit);
      await store.updateWebhook("w", { state: "active" }, null);
  }
}

/** Two deliveries in each step; what it does not come to is left. */
async function replay(store: Store, steps: number): Promise<void> {
  const id = `r${(replays += 1)}`;
  await store.createReplay({ id, webhookId: "w", range: { since: 0, until: FAR }, which: "all", ratePerSecond: 1 });
  for (let left = steps; left > 0; left -= 1) await store.advanceReplay(id, 2);
  await store.cancelReplay(id);
}

let replays = 0;

/** Whatever ended has no time, and one of each lane has one: none is stuck. */
async function expectLed(store: Store): Promise<void> {
  const { items } = await store.listDeliveries({}, FIRST_PAGE);
  for (const { state, nextAttemptAt } of items) if (state !== "pending") expect(nextAttemptAt).toBeNull();
  const pending = items.filter(({ state }) => state === "pending").toReversed();
  for (const lane of Map.groupBy(pending, ({ sensorId }) => sensorId).values()) {
    expect(lane.map(({ nextAttemptAt }) => nextAttemptAt === null)).toContain(false);
  }
}

async function walkAlong(store: Store, steps: readonly Step[]): Promise<void> {
  await addWebhook(store, "w");
  const actors = { owner: await Owner.of(store), planner: await Planner.of(store) };
  for (const each of steps) {
    await take(store, actors, each);
    await expectLed(store);
  }
  for (let heads = await actors.planner.heads("w"); heads.length > 0; heads = await actors.planner.heads("w")) {
    await actors.planner.settle(...heads.map((head) => delivered(head)));
  }
  expect((await store.listDeliveries({ states: ["pending"] }, FIRST_PAGE)).items).toEqual([]);
}

export const lanesWalkPromises: readonly Promises[] = [
  promises("lanes whose terms change as they go", {
    "always have a first that is to be tried, and come to an end": async (_, __, harness) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
          await onNewStore(harness, (store) => walkAlong(store, steps));
        }),
        { numRuns: WALKS },
      );
    },
  }),
];
