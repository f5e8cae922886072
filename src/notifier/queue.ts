import { BATCHED_AT } from "../domain/delivery";
import { CONCURRENCY_DEFAULT, type Webhook, type WebhookSettings } from "../domain/webhook";
import type { DueDelivery } from "../store/store";

/** So many times what it may run at once a webhook may have ready in memory; the rest stays in the table. */
const READY_PER_RUNNING = 4;
const BATCHES_READY = 2;
/** What was read so long ago may not be the latest any more. */
const LATEST_FOR_MS = 1000;
/** So many times at which the table is to be read are kept, the soonest; it is asked every second for what may lie beyond. */
const EXPECTED_MAX = 64;
/** One reading serves what becomes due so soon after each other. */
const EXPECTED_APART_MS = 20;

interface BatchEnd {
  readonly sent: number;
  readonly againAt: number | null;
  readonly left: readonly DueDelivery[];
  readonly tooMuch: boolean;
  readonly now: number;
}

/** What of one webhook's deliveries in one partition is at hand, and when the table may hold more. */
export class WebhookQueue {
  /** Heads of lanes, to be sent in this order. */
  readonly ready: DueDelivery[] = [];
  /** Ready, under way, or ended and not yet written: none of them may be sent again meanwhile. */
  readonly #known = new Set<string>();
  /** Written while the table was being read, so that what was read of them is old. */
  readonly #stale = new Set<string>();
  /** When the table may hold something due that is not known, ascending. */
  readonly #expected: number[] = [];
  /** Nothing is to be started before that time … */
  resumeAt = 0;
  /** … unless it waits for a batch to fill, and that is full. */
  #untilFull = false;
  /** The table is being read, {@link beginFill} to {@link fill}. */
  filling = false;
  /** The webhook is being read. */
  loading = false;
  /** Sent in batches, one after the other; `sizeMax`: the most that the endpoint seems to take at once. */
  batch: { readonly limit: number; sizeMax: number } | null = null;
  /** What is ready of one sensor may be more than its head. */
  #isLoose = false;
  /** One is under way, whatever the webhook wants by now; nothing else is begun meanwhile. */
  #batchRuns = false;
  /** Of a sensor's changes that wait only the newest is sent. */
  latest = false;
  /** When the first of what is ready was added (monotonic). */
  #readySince = 0;
  /** The order must be read from the table again, once all that is known is written. */
  #broken = false;
  #concurrency = CONCURRENCY_DEFAULT;

  constructor(readonly webhookId: string) {}

  /** The first time at which the table may hold something due that is not known; null when nothing is expected. */
  get dueAt(): number | null {
    return this.#expected[0] ?? null;
  }

  get known(): number {
    return this.#known.size;
  }

  get knownIds(): readonly string[] {
    return [...this.#known];
  }

  /** Whether nothing of it is worth remembering. */
  get isIdle(): boolean {
    return this.#known.size === 0 && this.dueAt === null && !this.filling && !this.loading && !this.#batchRuns;
  }

  /** What is known of the webhook decides how much of it is kept at hand. */
  serve({ concurrency, settings }: Pick<Webhook, "concurrency" | "settings">): void {
    this.#concurrency = concurrency;
    this.latest = settings.mode === "latest";
    const limit = settings.batch?.maxItems ?? null;
    const wasLoose = this.#isLoose;
    this.#isLoose = limit !== null || settings.ordering === "none";
    if (limit === null) this.batch = null;
    else if (this.batch?.limit !== limit) this.batch = { limit, sizeMax: limit };
    if (this.#isLoose || !wasLoose) return;
    // What did not wait for each other is put in order in the table, and is read anew.
    this.drop();
    this.expectAt(0);
  }

  expectAt(dueAt: number): void {
    const [first = Infinity] = this.#expected;
    const at = dueAt <= first ? dueAt : Math.ceil(dueAt / EXPECTED_APART_MS) * EXPECTED_APART_MS;
    const place = this.#expected.findIndex((each) => each >= at);
    if (this.#expected[place] === at) return;
    this.#expected.splice(place === -1 ? this.#expected.length : place, 0, at);
    this.#expected.splice(EXPECTED_MAX);
  }

  /** The table is read from now on: of what was expected only what is not due yet remains. */
  beginFill(now: number): void {
    this.filling = true;
    const later = this.#expected.findIndex((dueAt) => dueAt > now);
    this.#expected.splice(0, later === -1 ? this.#expected.length : later);
  }

  /** How many more may be ready; `readyMax` limits every queue while there are many. */
  room(readyMax: number): number {
    return this.#most(readyMax) - this.ready.length;
  }

  /** Whether the table should be read now. So few are ready that one reading brings many, and they may be sent, or make a batch with others. */
  wantsMore(now: number, readyMax: number): boolean {
    if (this.ready.length > 0 && this.resumeAt > now && !this.#untilFull) return false;
    const few = this.batch?.limit ?? this.#concurrency;
    if (this.ready.length > Math.min(few, this.#most(readyMax) / 2)) return false;
    return !this.filling && !this.#broken && this.dueAt !== null && this.dueAt <= now;
  }

  #most(readyMax: number): number {
    if (this.batch !== null) return Math.min(BATCHES_READY * this.batch.limit, Math.max(1, readyMax));
    return Math.min(READY_PER_RUNNING * this.#concurrency, Math.max(this.#concurrency, readyMax));
  }

  /** Takes a head that leads its lane now. What the table holds is older and comes first. */
  offer(head: DueDelivery, now: number, readyMax: number): void {
    if (this.#known.has(head.id)) return;
    // No lane keeps what goes in batches behind what was planned before it, perhaps by another node: the table alone knows the order.
    const olderWait = head.nextAttemptAt === BATCHED_AT || this.filling || this.#broken || (this.dueAt !== null && this.dueAt <= now);
    if (olderWait || this.room(readyMax) <= 0) this.expectAt(head.nextAttemptAt);
    else this.#add(head);
  }

  /** Takes what the table gave, when asked for at most `limit`. */
  fill(heads: readonly DueDelivery[], now: number, limit: number): void {
    this.filling = false;
    if (this.#broken) {
      this.expectAt(now);
      this.#broken = this.#known.size > 0;
    } else for (const head of heads) if (!this.#known.has(head.id) && !this.#stale.has(head.id)) this.#add(head);
    this.#stale.clear();
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
    else if (this.#known.size === 0) this.#broken = false;
  }

  /**
   * When enough is ready for a request: at once, but for batches, which wait until they are full or their first has waited long enough,
   * and for each other (for ever: the end of the one before gives the queue its turn).
   */
  gatheredAt({ settings }: Pick<Webhook, "settings">, now: number): number {
    if (this.#batchRuns) return Infinity;
    if (this.batch === null || settings.batch === null) return now;
    const [first] = this.ready;
    return first === undefined || this.ready.length >= this.batch.sizeMax ? now : first.plannedAt + settings.batch.maxWaitMs;
  }

  /** `untilFull`: what it waits for is that a batch fills. */
  waitUntil(at: number, untilFull: boolean): void {
    this.resumeAt = at;
    this.#untilFull = untilFull;
  }

  /** Whether something newer may stand in the table than what is ready. */
  get isOld(): boolean {
    return this.latest && this.ready.length > 0 && !this.filling && performance.now() - this.#readySince > LATEST_FOR_MS;
  }

  /** What failed before may have to wait where a first attempt need not: brings the first of these to the front, if there is one. */
  putFirstAttemptFirst(): boolean {
    const isFirst = ({ laneFailures, nextAttemptAt }: DueDelivery) => laneFailures === 0 && nextAttemptAt !== BATCHED_AT;
    const index = this.batch === null ? this.ready.findIndex(isFirst) : 0;
    if (index < 1) return false;
    this.ready.unshift(...this.ready.splice(index, 1));
    return true;
  }

  /** What goes into the next request; a batch's end is to be told by {@link batchEnded}. */
  take(settings: WebhookSettings): { readonly deliveries: readonly DueDelivery[]; readonly isBatch: boolean } {
    this.#batchRuns = goesInBatches(settings, this.ready[0]);
    return { deliveries: this.ready.splice(0, this.batch?.sizeMax ?? 1), isBatch: this.#batchRuns };
  }

  /** `againAt`: it is to come again, before all that is ready, and not before that time. `left`: what did not fit comes next. */
  batchEnded({ sent, againAt, left, tooMuch, now }: BatchEnd): void {
    for (const head of left.toReversed()) {
      this.#known.add(head.id);
      this.ready.unshift(head);
    }
    this.#batchRuns = false;
    this.waitUntil(againAt ?? 0, false);
    if (this.batch !== null) this.batch.sizeMax = nextSize(this.batch, { sent, tooMuch, again: againAt !== null });
    if (againAt !== null) this.#beginAnew(now);
  }

  /** Gives back to the table what is ready. */
  drop(): void {
    for (const { id } of this.ready.splice(0)) this.forget(id);
    this.#expected.splice(0);
  }

  /**
   * What was sent comes again, before all that is ready: the table is read anew as soon as it holds what became of all. What is being read
   * just now is too old.
   */
  #beginAnew(now: number): void {
    this.drop();
    this.#broken = this.#known.size > 0 || this.filling;
    this.expectAt(now);
  }

  #add(head: DueDelivery): void {
    if (this.ready.length === 0) this.#readySince = performance.now();
    this.#known.add(head.id);
    this.ready.push(head);
    if (this.#untilFull && this.batch !== null && this.ready.length >= this.batch.sizeMax) this.waitUntil(0, false);
  }
}

/** In batches, or as what was due so and is not arranged in lanes yet: that keeps its order by coming one by one. */
function goesInBatches({ batch, ordering }: WebhookSettings, first: Pick<DueDelivery, "nextAttemptAt"> | undefined): boolean {
  return batch !== null || (ordering === "sensor" && first?.nextAttemptAt === BATCHED_AT);
}

function nextSize(
  { limit, sizeMax }: { limit: number; sizeMax: number },
  { sent, tooMuch, again }: { sent: number; tooMuch: boolean; again: boolean },
): number {
  if (tooMuch) return Math.ceil(sent / 2);
  return again ? sizeMax : Math.min(limit, 2 * sizeMax);
}
