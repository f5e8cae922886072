import { DELIVERY_EXPIRES_MS } from "../domain/delivery";
import type { DeliveryStore, DueDelivery, Settlement } from "../store/store";
import type { Events } from "../telemetry/events";
import type { Attempt } from "./attempt";
import type { Endpoints } from "./endpoints";
import { isOver } from "./outcome";
import { WebhookQueue } from "./queue";
import type { Slots } from "./webhook/slots";

/** How often the table is asked when each webhook's next head is due: others make heads due, too. Longer where asking takes long. */
const LOOK_EVERY_MS = 1000;
const LOOK_SHARE = 20;
const EXPIRY_EVERY_MS = 60_000;
const EXPIRED_AT_ONCE_MAX = 500;
/** Ready in memory over all webhooks, as long as each has as many as it may run at once. */
const READY_MAX = 20_000;
const RETRY_MS = 250;
const TICK_MIN_MS = 5;

export interface DispatcherOptions {
  readonly store: Pick<DeliveryStore, "nextDue" | "dueHeads" | "expiredHeads">;
  readonly partition: number;
  readonly isHeld: () => boolean;
  readonly slots: Slots;
  readonly endpoints: Endpoints;
  readonly attempt: Attempt;
  readonly settler: { readonly isFull: boolean; add(settlement: Settlement): void };
  /** Ends what is owed to a webhook that was found deleted or disabled. */
  readonly endOwed: (webhookId: string) => void;
  readonly now: () => number;
  readonly events: Events;
}

/**
 * Sends the heads of a partition's lanes: webhooks in turn, each within its own limit, all within the node's. A lane keeps its order
 * because only its head is ever due, and a head that is known here is not taken up again until its outcome stands in the table.
 */
export class Dispatcher {
  readonly #queues = new Map<string, WebhookQueue>();
  /** Those with something ready, whose turn comes in this order. */
  readonly #turns = new Set<WebhookQueue>();
  readonly #running = new Map<Promise<void>, AbortController>();
  readonly #reading = new Set<Promise<void>>();
  readonly #unsubscribe: () => void;
  #stopped = false;
  #timer: Timer | null = null;
  #tickAt = Infinity;
  #lookAt = 0;
  #expiryAt = 0;

  constructor(private readonly options: DispatcherOptions) {
    this.#unsubscribe = options.slots.onFree(() => this.#pump());
    this.look();
  }

  /** Heads that lead their lanes and are due, fresh from a plan or a settlement. */
  offer(heads: readonly DueDelivery[]): void {
    if (heads.length === 0) return;
    const now = this.options.now();
    for (const head of heads) {
      const queue = this.#queueOf(head.webhookId);
      queue.offer(head, now, this.#readyMax());
      this.#attend(queue, now);
    }
    this.#pump();
  }

  /** Outcomes that are written. */
  settled(settlements: readonly Settlement[], heads: readonly DueDelivery[]): void {
    for (const { delivery, verdict } of settlements) {
      const queue = this.#queueOf(delivery.webhookId);
      queue.forget(delivery.id);
      // Of this delivery or, where it failed, of the next in its lane.
      if (verdict.kind !== "delivered" && verdict.nextAttemptAt != null) this.#expect(queue, verdict.nextAttemptAt);
    }
    this.offer(heads);
    for (const { delivery } of settlements) this.#tidy(delivery.webhookId);
    this.#pump();
  }

  /** The table may hold heads of a webhook that became due. */
  expect(webhookId: string): void {
    this.#expect(this.#queueOf(webhookId), this.options.now());
  }

  /** Asks the table now, instead of in a while. */
  look(): void {
    this.#lookAt = 0;
    this.#wakeIn(0);
  }

  /** Sends nothing more; what runs has `graceMs`, then it is given up without an outcome. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    if (this.#timer !== null) clearTimeout(this.#timer);
    const grace = setTimeout(() => {
      for (const abort of this.#running.values()) abort.abort();
    }, graceMs);
    await Promise.all(this.#running.keys());
    clearTimeout(grace);
    await Promise.all(this.#reading);
  }

  #queueOf(webhookId: string): WebhookQueue {
    const known = this.#queues.get(webhookId);
    if (known !== undefined) return known;
    const queue = new WebhookQueue(webhookId);
    this.#queues.set(webhookId, queue);
    return queue;
  }

  #readyMax(): number {
    return Math.floor(READY_MAX / this.#queues.size);
  }

  #tidy(webhookId: string): void {
    if (this.#queues.get(webhookId)?.isIdle === true) this.#queues.delete(webhookId);
  }

  #expect(queue: WebhookQueue, dueAt: number): void {
    queue.expectAt(dueAt);
    this.#attend(queue, this.options.now());
  }

  /** Gives a queue its turn, reads on, or comes back when it is due. */
  #attend(queue: WebhookQueue, now: number): void {
    if (queue.ready.length > 0) this.#turns.add(queue);
    if (queue.wantsMore(now)) this.#read(() => this.#fill(queue));
    else if (queue.dueAt !== null && queue.dueAt > now) this.#wakeIn(queue.dueAt - now);
  }

  /** Starts what may start, one of each webhook in turn. */
  #pump(): void {
    for (let passed = 0; passed < this.#turns.size && this.#maySend();) {
      const [queue] = this.#turns;
      if (queue === undefined) return;
      this.#turns.delete(queue);
      const started = this.#startNext(queue);
      if (queue.ready.length > 0) this.#turns.add(queue);
      passed = started ? 0 : passed + 1;
    }
  }

  #maySend(): boolean {
    if (this.#stopped || this.options.settler.isFull) return false;
    if (this.options.isHeld()) return true;
    this.#wakeIn(RETRY_MS);
    return false;
  }

  /** False when the webhook's first ready head cannot be sent just now. */
  #startNext(queue: WebhookQueue): boolean {
    const { endpoints, slots, settler, now } = this.options;
    const webhook = endpoints.known(queue.webhookId);
    if (webhook === undefined) {
      if (!queue.loading) this.#read(() => this.#load(queue));
      return false;
    }
    if (webhook === null || webhook.state !== "active") {
      queue.drop();
      if (webhook?.state !== "paused") this.options.endOwed(queue.webhookId);
      return false;
    }
    queue.concurrency = webhook.concurrency;
    const [delivery] = queue.ready;
    if (delivery === undefined) return false;
    if (isOver(delivery, now())) {
      queue.ready.shift();
      settler.add(expired(delivery));
      return true;
    }
    if (!slots.mayStart(webhook.id, webhook.concurrency)) return false;
    queue.ready.shift();
    const abort = new AbortController();
    const slot = slots.start(webhook.id);
    const run = this.options.attempt(delivery, webhook, abort.signal).then(({ settlement, timedOut }) => {
      this.#running.delete(run);
      if (settlement === null) this.#giveBack(queue, delivery);
      else settler.add(settlement);
      this.#attend(queue, now());
      slots.end(slot, timedOut);
    });
    this.#running.set(run, abort);
    return true;
  }

  #giveBack(queue: WebhookQueue, { id }: DueDelivery): void {
    queue.forget(id);
    queue.expectAt(this.options.now() + RETRY_MS);
  }

  /** One who reads the store in the background, and tries again when it is away. */
  #read(act: () => Promise<void>): void {
    if (this.#stopped) return;
    const run = act()
      .then(() => this.#pump())
      .catch((error: unknown) => {
        this.options.events.readFailed(this.options.partition, error);
        this.#wakeIn(RETRY_MS);
      })
      .finally(() => this.#reading.delete(run));
    this.#reading.add(run);
  }

  async #load(queue: WebhookQueue): Promise<void> {
    queue.loading = true;
    try {
      await this.options.endpoints.load(queue.webhookId);
    } finally {
      queue.loading = false;
    }
  }

  async #fill(queue: WebhookQueue): Promise<void> {
    const { store, partition, now } = this.options;
    const at = now();
    // What is known stands in the table as due, too.
    const limit = queue.known + Math.max(1, queue.room(this.#readyMax()));
    queue.filling = true;
    queue.dueAt = null;
    let heads: DueDelivery[] = [];
    try {
      heads = await store.dueHeads(partition, queue.webhookId, at, limit);
    } catch (error) {
      queue.expectAt(at + RETRY_MS);
      throw error;
    } finally {
      queue.fill(heads, at, limit);
      this.#attend(queue, at);
      this.#tidy(queue.webhookId);
    }
  }

  #wakeIn(ms: number): void {
    const tickAt = performance.now() + Math.max(TICK_MIN_MS, ms);
    if (this.#stopped || tickAt >= this.#tickAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#tickAt = tickAt;
    this.#timer = setTimeout(() => this.#tick(), tickAt - performance.now());
  }

  #tick(): void {
    this.#tickAt = Infinity;
    const [now, monotonic] = [this.options.now(), performance.now()];
    if (monotonic >= this.#lookAt) this.#read(() => this.#lookForDue());
    if (monotonic >= this.#expiryAt) this.#read(() => this.#endExpired());
    for (const queue of this.#queues.values()) {
      this.#attend(queue, now);
      this.#tidy(queue.webhookId);
    }
    this.#wakeIn(LOOK_EVERY_MS);
    this.#pump();
  }

  async #lookForDue(): Promise<void> {
    const startedAt = performance.now();
    this.#lookAt = Infinity;
    try {
      for (const { webhookId, nextAttemptAt, deleted } of await this.options.store.nextDue(this.options.partition)) {
        if (deleted) this.options.endOwed(webhookId);
        else this.#expect(this.#queueOf(webhookId), nextAttemptAt);
      }
    } finally {
      const now = performance.now();
      this.#lookAt = now + Math.max(LOOK_EVERY_MS, LOOK_SHARE * (now - startedAt));
      this.#wakeIn(LOOK_EVERY_MS);
    }
  }

  /** Heads that ran out of time without being tried, of paused webhooks, too. */
  async #endExpired(): Promise<void> {
    const { store, partition, now, settler } = this.options;
    this.#expiryAt = performance.now() + EXPIRY_EVERY_MS;
    const heads = await store.expiredHeads(partition, now() - DELIVERY_EXPIRES_MS, EXPIRED_AT_ONCE_MAX);
    for (const head of heads) if (this.#queueOf(head.webhookId).claim(head.id)) settler.add(expired(head));
    if (heads.length === EXPIRED_AT_ONCE_MAX) this.#expiryAt = performance.now() + RETRY_MS;
  }
}

function expired(delivery: DueDelivery): Settlement {
  return { delivery, attempt: null, verdict: { kind: "failed", reason: "expired" } };
}
