import type { Change } from "../../../src/domain/change";
import { deliveryId } from "../../../src/domain/delivery";
import type { AcquiredLease, DueDelivery, Plan, PlannedDelivery, Settlement, Store } from "../../../src/store/store";
import { Owner } from "./owner";
import { addWebhook, FAR } from "./samples";

const TTL_MS = 60_000;

/** Sends every delivery that is due, whenever it is due: for tests that only care about the order. */
const ALL = 100_000;
const AT_ONCE = 500;

/** The owner of a partition's notify: plans what an {@link Owner} recorded, and settles it. */
export class Planner {
  planned: number;

  private constructor(
    private readonly store: Store,
    private readonly acquired: AcquiredLease,
  ) {
    this.planned = acquired.position.changeNumber;
  }

  static async of(store: Store, partition = 0): Promise<Planner> {
    const acquired = await store.acquireLease({ role: "notify", partition, owner: "planner", ttlMs: TTL_MS, takeOver: true });
    if (acquired === null) throw new Error("the lease was taken over, and yet not given");
    return new Planner(store, acquired);
  }

  get lease() {
    return this.acquired.lease;
  }

  /** A plan that owes each of the changes to each of the webhooks. */
  async plan(changes: readonly Change[], webhookIds: readonly string[], edit: Partial<PlannedDelivery> = {}): Promise<Plan> {
    const { version } = await this.store.webhookSet();
    const to = changes.at(-1)?.number ?? this.planned;
    const deliveries = changes.flatMap(({ number, sensorId, revision }) =>
      webhookIds.map((webhookId) => ({
        webhookId,
        number,
        sensorId,
        revision,
        state: "pending" as const,
        reason: null,
        ...IN_LANE,
        ...edit,
      })),
    );
    return { lease: this.lease, leaseTtlMs: TTL_MS, webhooksVersion: version, from: this.planned, to, deliveries };
  }

  /** Commits such a plan; gives the heads. Throws when it is not taken. */
  async owe(
    changes: readonly Change[],
    webhookIds: readonly string[],
    edit: Partial<PlannedDelivery> = {},
  ): Promise<readonly DueDelivery[]> {
    const plan = await this.plan(changes, webhookIds, edit);
    const outcome = await this.store.commitPlan(plan);
    if (outcome.kind !== "planned") throw new Error(`the plan was ${outcome.kind}`);
    this.planned = plan.to;
    return outcome.heads;
  }

  /** Changes of these sensors, however many, recorded and planned by as many at once as a node does: a statement has a limit of time. */
  async oweMany(owner: Owner, sensorIds: readonly string[], webhookIds: readonly string[], edit: Partial<PlannedDelivery> = {}) {
    for (let at = 0; at < sensorIds.length; at += AT_ONCE) {
      await this.owe(await owner.change(sensorIds.slice(at, at + AT_ONCE)), webhookIds, edit);
    }
  }

  settle(...settlements: readonly Settlement[]) {
    return this.store.settle(this.lease, TTL_MS, settlements);
  }

  /** All heads of a webhook, due or not yet. */
  heads(webhookId: string, limit = ALL): Promise<DueDelivery[]> {
    return this.store.dueHeads(this.lease.partition, webhookId, FAR, limit);
  }

  /** One delivery that leads its lane. */
  async head(webhookId: string, sensorId: string): Promise<DueDelivery> {
    const found = (await this.heads(webhookId)).find((head) => head.sensorId === sensorId);
    if (found === undefined) throw new Error(`the lane of ${webhookId} and ${sensorId} has no head`);
    return found;
  }
}

const IN_LANE = { begins: "lane", minIntervalMs: 0 } as const;
const TRIED = { durationMs: 5, statusCode: 200, error: null, response: null };

/** No two attempts are at one time: they would be the same one. */
let lastTriedAt = 1000;
function nextTry(): number {
  return (lastTriedAt += 1);
}

export function delivered(delivery: DueDelivery, at = nextTry()): Settlement {
  return { delivery, attempt: { ...TRIED, at }, verdict: { kind: "delivered" } };
}

/** `nextAttemptAt` null: it stays due as it was. */
export function refused(
  delivery: DueDelivery,
  nextAttemptAt: number | null,
  {
    rejected = false,
    at = nextTry(),
    heldUntil = null,
    response = null,
  }: { rejected?: boolean; at?: number; heldUntil?: number | null; response?: string | null } = {},
): Settlement {
  const attempt = { at, durationMs: 5, statusCode: rejected ? 422 : 503, error: null, response };
  return { delivery, attempt, verdict: { kind: "retry", nextAttemptAt, rejected, heldUntil } };
}

/** `nextAttemptAt` left out: when this one would have been tried. */
export function failed(
  delivery: DueDelivery,
  reason: string,
  { nextAttemptAt, tried = true }: { nextAttemptAt?: number; tried?: boolean } = {},
): Settlement {
  const attempt = { at: nextTry(), durationMs: 5, statusCode: 422, error: null, response: null };
  return { delivery, attempt: tried ? attempt : null, verdict: { kind: "failed", reason, nextAttemptAt } };
}

/** A webhook `w`, and who records changes and plans them for it. */
export async function owing(store: Store): Promise<{ owner: Owner; planner: Planner }> {
  await addWebhook(store, "w");
  return { owner: await Owner.of(store), planner: await Planner.of(store) };
}

/** Two changes of `a`, one of `b`, all owed to the webhook `w`. */
export async function threeOwed(store: Store) {
  const owner = await Owner.of(store);
  const planner = await Planner.of(store);
  const changes = await owner.change(["a", "a", "b"]);
  const heads = await planner.owe(changes, ["w"]);
  return { owner, planner, changes, heads, ids: changes.map(({ number }) => deliveryId("w", 0, number)) as [string, string, string] };
}
