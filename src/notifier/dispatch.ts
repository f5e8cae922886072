import type { Webhook } from "../domain/webhook";
import type { DeliveryStore, DueDelivery, Lease, Settlement } from "../store/store";
import type { Events } from "../telemetry/events";
import type { Attempt, Attempted } from "./attempt";
import { Alarm } from "./alarm";
import { createDueHeads, type DueHeads, EXPIRY_EVERY_MS, LOOK_EVERY_MS } from "./dueHeads";
import type { Endpoints } from "./endpoints";
import { endUntried, isOver } from "./outcome";
import { WebhookQueue } from "./queue";
import { Round, type Turn } from "./round";
import { Running } from "./running";
import type { Traffic } from "./webhook/traffic";

/** Ready in memory over all webhooks, as long as each has as many as it may run at once. */
const READY_MAX = 50_000;
const RETRY_MS = 250;
/** How often those that are being sent to are looked up, too: others make heads due. */
const LOOK_ALL_EVERY_MS = 10_000;
/** How often a webhook that is held is asked for again: an edit, or another node, may have ended it. */
const HELD_LOOK_MS = 5000;

export interface DispatcherOptions {
  readonly store: Pick<DeliveryStore, "nextDue" | "dueHeads" | "coalesceDue" | "expiredHeads">;
  readonly lease: Lease;
  readonly isHeld: () => boolean;
  readonly traffic: Traffic;
  readonly endpoints: Endpoints;
  readonly attempt: Attempt;
  readonly settler: { readonly isFull: boolean; add(settlement: Settlement): void };
  /** Ends what is owed to a webhook that was found deleted or disabled. */
  readonly endOwed: (webhookId: string) => void;
  /** Heads of a webhook wait for a later time. */
  readonly onWaiting: (webhookId: string) => void;
  readonly now: () => number;
  readonly events: Events;
}

/**
 * Sends the heads of a partition's lanes: webhooks in turn, each as it may be sent to, all within the node's limit. A lane keeps its order
 * because only its head is ever due, and a head that is known here is not taken up again until its outcome stands in the table.
 */
export class Dispatcher {
  readonly #queues = new Map<string, WebhookQueue>();
  readonly #round = new Round({ start: (queue) => this.#startNext(queue), maySend: () => this.#maySend() });
  readonly #running = new Running();
  readonly #reading = new Set<Promise<void>>();
  readonly #due: DueHeads;
  readonly #alarm = new Alarm(() => this.#tick());
  readonly #unsubscribe: () => void;
  #stopped = false;
  #lookAt = 0;
  #lookAllAt = 0;
  #expiryAt = 0;

  constructor(private readonly options: DispatcherOptions) {
    this.#due = createDueHeads(options);
    this.#unsubscribe = options.traffic.onFree((webhookId) => {
      const queue = this.#queues.get(webhookId);
      if (queue !== undefined) this.#attend(queue, options.now());
      this.#round.goOn(queue);
    });
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
    this.#round.go();
  }

  /** Outcomes that are written. */
  settled(settlements: readonly Settlement[], heads: readonly DueDelivery[]): void {
    for (const { delivery, verdict } of settlements) {
      const queue = this.#queueOf(delivery.webhookId);
      queue.forget(delivery.id);
      // Of this delivery or, where it ended, of the next in its lane.
      if (verdict.nextAttemptAt != null) this.#expect(queue, verdict.nextAttemptAt);
    }
    // Of those that wait for a webhook that wants the latest only the newest is sent, and the table knows it.
    const isLatest = ({ webhookId }: DueDelivery) => this.#queueOf(webhookId).latest;
    for (const { webhookId, nextAttemptAt } of heads.filter(isLatest)) this.#expect(this.#queueOf(webhookId), nextAttemptAt);
    this.offer(heads.filter((head) => !isLatest(head)));
    const now = this.options.now();
    for (const webhookId of new Set(settlements.map(({ delivery }) => delivery.webhookId))) {
      this.#attend(this.#queueOf(webhookId), now);
      this.#tidy(webhookId);
    }
    this.#round.go();
  }

  /** The table may hold heads of a webhook that became due. */
  expect(webhookId: string): void {
    this.#expect(this.#queueOf(webhookId), this.options.now());
  }

  /** Webhooks were edited, or deliveries made due: asks the table now, and who was held may be so no longer. */
  look(): void {
    for (const queue of this.#queues.values()) queue.resumeAt = 0;
    this.#lookAt = 0;
    this.#lookAllAt = 0;
    this.#alarm.in(0);
  }

  /** Sends nothing more; what runs has `graceMs`, then it is given up without an outcome. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.#alarm.stop();
    await this.#running.stop(graceMs);
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
    if (queue.ready.length > 0) {
      if (queue.resumeAt <= now) this.#round.add(queue);
      else this.#alarm.in(queue.resumeAt - now);
    }
    if (queue.wantsMore(now, this.#readyMax())) this.#read(() => this.#fill(queue));
    else if (queue.dueAt !== null && queue.dueAt > now) this.#alarm.in(queue.dueAt - now);
  }

  #maySend(): boolean {
    if (this.#stopped || this.options.settler.isFull) return false;
    if (this.options.isHeld()) return true;
    this.#alarm.in(RETRY_MS);
    return false;
  }

  #startNext(queue: WebhookQueue): Turn {
    const { endpoints, traffic, settler } = this.options;
    const now = this.options.now();
    const webhook = endpoints.known(queue.webhookId);
    if (webhook === undefined) {
      if (!queue.loading) this.#read(() => this.#load(queue));
      return "wait";
    }
    if (webhook === null || webhook.state !== "active") {
      queue.drop();
      if (webhook?.state !== "paused") this.options.endOwed(queue.webhookId);
      return "wait";
    }
    queue.serve(webhook);
    const [first] = queue.ready;
    if (first === undefined) return "wait";
    if (isOver(first, now)) {
      queue.ready.shift();
      settler.add(endUntried(first));
      return "started";
    }
    if (queue.isOld) {
      queue.drop();
      this.#expect(queue, now);
      return "wait";
    }
    const gatheredAt = queue.gatheredAt(webhook, now);
    if (gatheredAt > now) return this.#waitUntil(queue, { at: gatheredAt, untilFull: true }, now);
    let admission = traffic.admit(webhook, first.laneFailures > 0, now);
    if (admission.kind === "full" && queue.putFirstAttemptFirst()) admission = traffic.admit(webhook, false, now);
    if (admission.kind === "later")
      return this.#waitUntil(queue, { at: Math.min(admission.at, now + HELD_LOOK_MS), untilFull: false }, now);
    if (admission.kind !== "now") return admission.kind === "full" ? "full" : "wait";
    this.#start(queue, webhook, now);
    return "started";
  }

  #waitUntil(queue: WebhookQueue, { at, untilFull }: { at: number; untilFull: boolean }, now: number): Turn {
    queue.waitUntil(at, untilFull);
    this.#alarm.in(at - now);
    return "wait";
  }

  #start(queue: WebhookQueue, webhook: Webhook, now: number): void {
    const { traffic } = this.options;
    const { deliveries, isBatch } = queue.take(webhook.settings);
    const slot = traffic.start(webhook, (deliveries[0]?.laneFailures ?? 0) > 0, now);
    this.#running.start(async (abort) => {
      const attempted = await this.options.attempt(deliveries, webhook, abort);
      const endedAt = this.options.now();
      if (attempted.heldUntil !== null) traffic.hold(webhook, attempted.heldUntil, endedAt);
      const againAt = this.#ended(queue, deliveries, attempted);
      if (isBatch) queue.batchEnded({ ...attempted, sent: attempted.settlements.length, againAt, now: endedAt });
      this.#attend(queue, endedAt);
      traffic.end(slot, webhook, { result: attempted.result, timedOut: attempted.timedOut, now: endedAt });
    });
  }

  /** Gives when all that was sent together is to come again. */
  #ended(queue: WebhookQueue, deliveries: readonly DueDelivery[], { settlements, againAt, left }: Attempted): number | null {
    for (const settlement of settlements) this.options.settler.add(settlement);
    const ended = new Set(settlements.map(({ delivery }) => delivery.id));
    for (const { id } of deliveries) if (!ended.has(id)) queue.forget(id);
    const retryAt = ended.size + left.length < deliveries.length ? this.options.now() + RETRY_MS : null;
    if (retryAt !== null) queue.expectAt(retryAt);
    return againAt ?? retryAt;
  }

  /** One who reads the store in the background, and tries again when it is away. */
  #read(act: () => Promise<void>): void {
    if (this.#stopped) return;
    const run = act()
      .then(() => this.#round.go())
      .catch((error: unknown) => {
        this.options.events.readFailed(this.options.lease.partition, error);
        this.#alarm.in(RETRY_MS);
      })
      .finally(() => this.#reading.delete(run));
    this.#reading.add(run);
  }

  async #load(queue: WebhookQueue): Promise<void> {
    queue.loading = true;
    try {
      await this.options.endpoints.get(queue.webhookId);
    } finally {
      queue.loading = false;
      this.#attend(queue, this.options.now());
    }
  }

  async #fill(queue: WebhookQueue): Promise<void> {
    const at = this.options.now();
    queue.beginFill(at);
    try {
      // What is known stands in the table as due, too.
      await this.#due.fill(queue, queue.known + Math.max(1, queue.room(this.#readyMax())));
    } catch (error) {
      queue.expectAt(at + RETRY_MS);
      queue.fill([], at, Infinity);
      throw error;
    } finally {
      this.#attend(queue, at);
      this.#tidy(queue.webhookId);
    }
  }

  #tick(): void {
    const [now, monotonic] = [this.options.now(), performance.now()];
    if (monotonic >= this.#lookAt) this.#read(() => this.#lookForDue());
    if (monotonic >= this.#expiryAt) this.#read(() => this.#endExpired());
    for (const queue of this.#queues.values()) {
      this.#attend(queue, now);
      this.#tidy(queue.webhookId);
    }
    this.#alarm.in(LOOK_EVERY_MS);
    this.#round.go();
  }

  async #lookForDue(): Promise<void> {
    this.#lookAt = Infinity;
    const all = performance.now() >= this.#lookAllAt;
    if (all) this.#lookAllAt = performance.now() + LOOK_ALL_EVERY_MS;
    try {
      for (const { webhookId, nextAttemptAt, lastAttemptAt, deleted } of await this.#due.next()) {
        if (deleted) this.options.endOwed(webhookId);
        // What the table holds as due of one that is at work is most likely what is known here.
        else if (all || (this.#queues.get(webhookId)?.known ?? 0) === 0) this.#expect(this.#queueOf(webhookId), nextAttemptAt);
        if (lastAttemptAt > this.options.now()) this.options.onWaiting(webhookId);
      }
    } finally {
      this.#lookAt = performance.now() + this.#due.lookEveryMs;
      this.#alarm.in(LOOK_EVERY_MS);
    }
  }

  async #endExpired(): Promise<void> {
    this.#expiryAt = performance.now() + EXPIRY_EVERY_MS;
    const { heads, more } = await this.#due.expired();
    for (const head of heads) if (this.#queueOf(head.webhookId).claim(head.id)) this.options.settler.add(endUntried(head));
    if (more) this.#expiryAt = performance.now() + LOOK_EVERY_MS;
  }
}
