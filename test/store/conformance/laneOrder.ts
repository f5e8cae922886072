import { expect } from "bun:test";
import fc from "fast-check";
import type { DueDelivery, Store } from "../../../src/store/store";
import { onNewStore, type Promises, promises } from "./harness";
import { Owner } from "./owner";
import { delivered, failed, Planner, refused } from "./planner";
import { addWebhook, FAR, FIRST_PAGE } from "./samples";

const WEBHOOKS = ["w", "x"];
const SENSORS = ["a", "b"];
const WALKS = 25;

type Step =
  | { readonly kind: "plan"; readonly sensors: readonly string[] }
  | { readonly kind: "settle"; readonly picks: readonly number[]; readonly verdict: "delivered" | "retry" | "failed" }
  | { readonly kind: "failOwed"; readonly webhook: string; readonly limit: number }
  | { readonly kind: "wake"; readonly webhook: string }
  | { readonly kind: "repeat"; readonly pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("plan"), sensors: fc.array(fc.constantFrom(...SENSORS), { minLength: 1, maxLength: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle"),
      picks: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 3 }),
      verdict: fc.constantFrom("delivered", "retry", "failed"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("failOwed"), webhook: fc.constantFrom(...WEBHOOKS), limit: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wake"), webhook: fc.constantFrom(...WEBHOOKS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("repeat"), pick: fc.nat({ max: 30 }) }) },
);

/** Takes steps, and remembers what was ever sent or repeated. */
class Walk {
  readonly repeated = new Set<string>();
  /** The numbers of each lane in the order in which they first could be sent. */
  readonly firsts = new Map<string, number[]>();
  readonly #seen = new Set<string>();

  private constructor(
    private readonly store: Store,
    private readonly owner: Owner,
    private readonly planner: Planner,
  ) {}

  static async on(store: Store): Promise<Walk> {
    for (const id of WEBHOOKS) await addWebhook(store, id);
    return new Walk(store, await Owner.of(store), await Planner.of(store));
  }

  async take(step: Step): Promise<void> {
    const { store, owner, planner } = this;
    switch (step.kind) {
      case "plan":
        await planner.owe(await owner.change(step.sensors), WEBHOOKS);
        break;
      case "settle":
        await this.#settle(step);
        break;
      case "failOwed":
        await store.updateWebhook(step.webhook, { state: "disabled" }, null);
        await store.failOwed(step.webhook, "ended", step.limit);
        await store.updateWebhook(step.webhook, { state: "active" }, null);
        break;
      case "wake":
        await store.wakeWebhook(planner.lease, step.webhook, Date.now());
        break;
      case "repeat":
        await this.#repeat(step.pick);
    }
    for (const head of await this.heads()) this.#look(head);
  }

  async heads(): Promise<DueDelivery[]> {
    return (await Promise.all(WEBHOOKS.map((id) => this.planner.heads(id)))).flat();
  }

  async #settle({ picks, verdict }: Extract<Step, { kind: "settle" }>): Promise<void> {
    const heads = await this.heads();
    const picked = new Set(picks.flatMap((pick) => heads[pick % Math.max(1, heads.length)] ?? []));
    const settlements = Array.from(picked, (head) => {
      if (verdict === "delivered") return delivered(head);
      return verdict === "retry" ? refused(head, FAR) : failed(head, "rejected");
    });
    const outcome = await this.planner.settle(...settlements);
    const ended = new Set(verdict === "retry" ? [] : settlements.map(({ delivery }) => delivery.id));
    for (const head of outcome.heads) expect(ended).not.toContain(head.id);
  }

  async #repeat(pick: number): Promise<void> {
    const { items } = await this.store.listDeliveries({}, FIRST_PAGE);
    const chosen = items[pick % Math.max(1, items.length)];
    if (chosen === undefined || (chosen.state === "pending" && chosen.nextAttemptAt === null)) return;
    await this.store.retryDelivery(chosen.id, Date.now());
    if (chosen.state !== "pending") this.repeated.add(chosen.id);
  }

  #look({ id, webhookId, sensorId, number }: DueDelivery): void {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    // What failed unsent and is then asked for by hand comes when it was asked for.
    if (this.repeated.has(id)) return;
    const lane = `${webhookId}/${sensorId}`;
    this.firsts.set(lane, [...(this.firsts.get(lane) ?? []), number]);
  }
}

async function expectHeadsAlone(store: Store, walk: Walk): Promise<void> {
  const { items } = await store.listDeliveries({}, FIRST_PAGE);
  for (const { state, nextAttemptAt } of items) if (state !== "pending") expect(nextAttemptAt).toBeNull();
  const pending = Map.groupBy(
    items.filter(({ state }) => state === "pending").toReversed(),
    ({ webhookId, sensorId }) => `${webhookId}/${sensorId}`,
  );
  for (const lane of pending.values()) {
    expect(lane[0]?.nextAttemptAt).not.toBeNull();
    const timed = lane.filter(({ id, nextAttemptAt }) => nextAttemptAt !== null && !walk.repeated.has(id));
    expect(timed.length).toBeLessThanOrEqual(1);
  }
  const heads = await walk.heads();
  expect(heads.map(({ id }) => id).toSorted()).toEqual(
    items
      .filter(({ nextAttemptAt }) => nextAttemptAt !== null)
      .map(({ id }) => id)
      .toSorted(),
  );
}

export const laneOrderPromises: readonly Promises[] = [
  promises("lanes", {
    "are led by one head each, which alone has a time, and begin their deliveries in order, whatever comes": async (_, __, harness) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
          await onNewStore(harness, (store) => walkAlong(store, steps));
        }),
        { numRuns: WALKS },
      );
    },
  }),
];

async function walkAlong(store: Store, steps: readonly Step[]): Promise<void> {
  const walk = await Walk.on(store);
  for (const each of steps) {
    await walk.take(each);
    await expectHeadsAlone(store, walk);
  }
  for (const numbers of walk.firsts.values()) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
}
