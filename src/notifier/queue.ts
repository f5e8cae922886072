import { CONCURRENCY_DEFAULT } from "../domain/webhook";
import type { DueDelivery } from "../store/store";

/** So many times its concurrency a webhook may have ready in memory; the rest stays in the table. */
const READY_PER_RUNNING = 4;

/** What of one webhook's deliveries in one partition is at hand, and when the table may hold more. */
export class WebhookQueue {
  /** Heads of lanes, to be sent in this order. */
  readonly ready: DueDelivery[] = [];
  /** Ready, under way, or ended and not yet written: none of them may be sent again meanwhile. */
  readonly #known = new Set<string>();
  /** Written while the table was being read, so that what was read of them is old. */
  readonly #stale = new Set<string>();
  /** When the table may hold something due that is not known; null when nothing is expected. */
  dueAt: number | null = null;
  /** The table is being read. */
  filling = false;
  /** The webhook is being read. */
  loading = false;
  /** The webhook's limit, as last seen. */
  concurrency = CONCURRENCY_DEFAULT;

  constructor(readonly webhookId: string) {}

  get known(): number {
    return this.#known.size;
  }

  /** Whether nothing of it is worth remembering. */
  get isIdle(): boolean {
    return this.#known.size === 0 && this.dueAt === null && !this.filling && !this.loading;
  }

  expectAt(dueAt: number): void {
    this.dueAt = Math.min(this.dueAt ?? Infinity, dueAt);
  }

  /** How many more may be ready; `readyMax` limits every queue while there are many. */
  room(readyMax: number): number {
    const most = Math.min(READY_PER_RUNNING * this.concurrency, Math.max(this.concurrency, readyMax));
    return most - this.ready.length;
  }

  /** Whether the table should be read now. Few are ready, so that one reading brings many. */
  wantsMore(now: number): boolean {
    return !this.filling && this.dueAt !== null && this.dueAt <= now && this.ready.length <= this.concurrency;
  }

  /** Takes a head that leads its lane now. What the table holds is older and comes first. */
  offer(head: DueDelivery, now: number, readyMax: number): void {
    if (this.#known.has(head.id)) return;
    const olderWait = this.filling || (this.dueAt !== null && this.dueAt <= now);
    if (olderWait || this.room(readyMax) <= 0) this.expectAt(head.nextAttemptAt);
    else this.#add(head);
  }

  /** Takes what the table gave, when asked for at most `limit`. */
  fill(heads: readonly DueDelivery[], now: number, limit: number): void {
    for (const head of heads) if (!this.#known.has(head.id) && !this.#stale.has(head.id)) this.#add(head);
    this.#stale.clear();
    this.filling = false;
    if (heads.length >= limit) this.expectAt(now);
  }

  /** Marks a delivery that is to be ended without being sent; false if it is known already. */
  claim(deliveryId: string): boolean {
    if (this.#known.has(deliveryId)) return false;
    this.#known.add(deliveryId);
    return true;
  }

  /** What became of it stands in the table. */
  forget(deliveryId: string): void {
    this.#known.delete(deliveryId);
    if (this.filling) this.#stale.add(deliveryId);
  }

  /** Gives back to the table what is ready. */
  drop(): void {
    for (const { id } of this.ready.splice(0)) this.forget(id);
    this.dueAt = null;
  }

  #add(head: DueDelivery): void {
    this.#known.add(head.id);
    this.ready.push(head);
  }
}
