/** What nodes do at the same time on one database, each over and over until it is told to stop. */
import type { Change } from "../../../src/domain/change";
import { isFault } from "../../../src/domain/fault";
import { createMatcher, indexWebhooks, type Matcher } from "../../../src/notifier/matching";
import type { DueDelivery, Settlement, Store } from "../../../src/store/store";
import { Owner } from "../conformance/owner";
import { delivered, failed, Planner, refused } from "../conformance/planner";
import { addWebhook, changeOf, draftOf } from "../conformance/samples";

export type Random = () => number;

/** When a commit was asked for and when it was answered, in the order of the test's own clock. */
export interface Span {
  readonly begun: number;
  readonly ended: number;
}

let ticks = 0;
export function tick(): number {
  ticks += 1;
  return ticks;
}

export function pick<Item>(random: Random, from: readonly Item[]): Item | undefined {
  return from[Math.floor(random() * from.length)];
}

/** Runs an actor's turns until the end of the race; a refusal that the port speaks of is a part of it. */
export async function untilStopped(race: AbortSignal, turn: () => Promise<void>): Promise<void> {
  while (!race.aborted) {
    try {
      await turn();
    } catch (error) {
      if (!isFault(error, "conflict") && !isFault(error, "notFound") && !isFault(error, "preconditionFailed")) throw error;
    }
  }
}

/** The ingest of a partition: commits changes of its sensors, decided on the registry as it last saw it. */
export class Ingest {
  /** When each change was committed; the first has the number 1. */
  readonly spans: Span[] = [];
  readonly #revisions = new Map<string, number>();
  refusals = 0;

  private constructor(
    private readonly owner: Owner,
    private readonly edits: () => number,
  ) {}

  /** `edits` counts those of the partition's sensors that were answered. */
  static async of(store: Store, partition: number, edits: () => number): Promise<Ingest> {
    return new Ingest(await Owner.of(store, partition), edits);
  }

  get reached(): number {
    return this.spans.length;
  }

  async turn(store: Store, sensorIds: readonly string[]): Promise<void> {
    const { owner } = this;
    const [begun, edited] = [tick(), this.edits()];
    const part = owner.part({ changes: this.#next(sensorIds) });
    const [outcome] = await store.commitBatch([part]);
    if (outcome?.kind === "registryMoved") {
      this.refusals += 1;
      await owner.refresh();
      return;
    }
    if (outcome?.kind !== "committed") throw new Error(`the batch was ${outcome?.kind}`);
    if (part.registryVersion < edited) throw new Error(`decided on version ${part.registryVersion}, though ${edited} edits were in`);
    owner.position = part.to;
    const span = { begun, ended: tick() };
    for (const { sensorId, revision } of part.changes) {
      this.#revisions.set(sensorId, revision);
      this.spans.push(span);
    }
  }

  #next(sensorIds: readonly string[]): Change[] {
    const { position, lease } = this.owner;
    return [...new Set(sensorIds)].map((sensorId, index) => {
      const revision = (this.#revisions.get(sensorId) ?? 0) + 1;
      return changeOf(position.changeNumber + index + 1, sensorId, { partition: lease.partition, revision });
    });
  }
}

/** The notifier of a partition: plans what was recorded against the webhooks, and settles what is due. */
export class Notify {
  #matcher: Matcher | null = null;

  private constructor(
    readonly planner: Planner,
    private readonly store: Store,
  ) {}

  static async of(store: Store, partition: number): Promise<Notify> {
    return new Notify(await Planner.of(store, partition), store);
  }

  async plan(): Promise<void> {
    const { planner, store } = this;
    const { partition } = planner.lease;
    const matcher = (this.#matcher ??= createMatcher(await indexWebhooks(await store.webhookSet()), partition));
    const changes = await store.changesAfter(partition, planner.planned, 20);
    const plan = { lease: planner.lease, leaseTtlMs: 60_000, webhooksVersion: matcher.webhooksVersion, from: planner.planned };
    const deliveries = changes.flatMap((change) => matcher.match(change));
    const to = changes.at(-1)?.number ?? planner.planned;
    const outcome = await store.commitPlan({ ...plan, to, deliveries });
    if (outcome.kind === "webhooksMoved") this.#matcher = null;
    else if (outcome.kind === "planned") planner.planned = to;
    else throw new Error(`the plan was ${outcome.kind}`);
  }

  async settle(random: Random, verdicts: readonly ((head: DueDelivery) => Settlement)[]): Promise<number> {
    const { planner, store } = this;
    const { partition } = planner.lease;
    const settlements: Settlement[] = [];
    for (const { webhookId } of await store.nextDue(partition)) {
      for (const head of await store.dueHeads(partition, webhookId, Date.now(), 10)) {
        const verdict = pick(random, verdicts);
        if (verdict !== undefined) settlements.push(verdict(head));
      }
    }
    const { held } = await planner.settle(...settlements);
    if (!held) throw new Error("the lease was lost");
    return settlements.length;
  }
}

export const ANY_VERDICT = [
  delivered,
  (head: DueDelivery) => refused(head, Date.now() + 50),
  (head: DueDelivery) => refused(head, Date.now()),
  (head: DueDelivery) => failed(head, "rejected"),
];

/** Registers webhooks and deletes them; remembers when. What they are owed is for others to end. */
export class Comings {
  readonly lives = new Map<string, { came: Span; went: Span | null }>();

  async turn(store: Store, random: Random): Promise<void> {
    const living = [...this.lives].filter(([, { went }]) => went === null);
    const begun = tick();
    const leaving = living.length < 3 ? undefined : pick(random, living);
    if (leaving === undefined) {
      const id = `coming${this.lives.size}`;
      await addWebhook(store, id);
      this.lives.set(id, { came: { begun, ended: tick() }, went: null });
      return;
    }
    await store.deleteWebhook(leaving[0], null);
    leaving[1].went = { begun, ended: tick() };
  }
}

/** Edits webhooks that stay, in every way that planning or lanes know of. */
export async function editWebhook(store: Store, random: Random, id: string): Promise<void> {
  const edit = pick(random, [
    { filter: {} },
    { filter: { to: ["never"] } },
    { state: "paused" },
    { state: "active" },
    { state: "disabled" },
    { url: `https://receiver.example/${random()}` },
    { concurrency: 3 },
  ] as const);
  await store.updateWebhook(id, edit ?? {}, null);
}

/** Asks for a delivery again, or ends some of what a webhook is owed. Gives the id of what was asked for. */
export async function meddle(store: Store, random: Random, webhookIds: readonly string[]): Promise<string | null> {
  const webhookId = pick(random, webhookIds) as string;
  if (random() < 0.6) {
    await store.failOwed(webhookId, "ended", 1 + Math.floor(random() * 10));
    return null;
  }
  const { items } = await store.listDeliveries({ webhookId }, { limit: 50, cursor: null });
  const chosen = pick(random, items);
  if (chosen === undefined) return null;
  await store.retryDelivery(chosen.id, Date.now());
  return chosen.state === "pending" ? null : chosen.id;
}

/** Replays a webhook's deliveries from the beginning, step by step as two nodes at once would; now and then it is cancelled. Gives how many. */
export async function replay(store: Store, random: Random, webhookId: string): Promise<number> {
  const id = `replay${tick()}`;
  const which = random() < 0.5 ? "all" : "undelivered";
  await store.createReplay({ id, webhookId, range: { since: 0, until: Date.now() + 60_000 }, which, ratePerSecond: 100 });
  for (;;) {
    const steps = await Promise.all([store.advanceReplay(id, 5), store.advanceReplay(id, 5)]);
    if (steps.some((job) => job?.state !== "running")) return Math.max(...steps.map((job) => job?.replayed ?? 0));
    if (random() < 0.1) await store.cancelReplay(id);
  }
}

/** Registers, edits or deletes a sensor: an edit that the registry counts. */
export async function editSensor(store: Store, random: Random, { id, partition }: { id: string; partition: number }): Promise<void> {
  const draft = draftOf(id, { partition, name: `${id} ${random()}`, labels: { site: random() < 0.5 ? "north" : "south" } });
  if ((await store.getSensor(id)) === null) await store.createSensor(draft);
  else if (random() < 0.2) await store.deleteSensor(id, null);
  else await store.updateSensor(draft, null);
}
