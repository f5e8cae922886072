import type { WebhookQueue } from "./queue";

/** So many that cannot be served are asked in one go; the others come in the next turn of the loop. */
const PASSED_AT_ONCE_MAX = 16;

/** What came of a queue's turn: `wait`: it is given another one when something has changed for it; `full`: when anything has. */
export type Turn = "started" | "wait" | "full";

export interface RoundOptions {
  /** Starts one attempt, if it may. */
  readonly start: (queue: WebhookQueue) => Turn;
  /** Whether anything may be started now. */
  readonly maySend: () => boolean;
}

/** The queues that have something ready, each in its turn: one attempt of every webhook before a second one of any. */
export class Round {
  /** The next one comes first. */
  readonly #queues = new Set<WebhookQueue>();
  /** Those that could not be served one after the other: when all were asked, nobody is until something changes. */
  #passed = 0;
  #scheduled = false;

  constructor(private readonly options: RoundOptions) {}

  add(queue: WebhookQueue): void {
    this.#queues.add(queue);
  }

  /** Something has changed: starts what may start. */
  go(): void {
    this.#passed = 0;
    this.#sweep();
  }

  /** One of its attempts ended: it goes on at once, the others once for all that ends in this turn of the loop. */
  goOn(queue: WebhookQueue | undefined): void {
    this.#passed = 0;
    if (queue !== undefined && this.#queues.has(queue) && this.options.maySend()) this.#give(queue);
    if (this.#queues.size > 0) this.#sweepSoon();
  }

  #sweepSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#sweep();
    });
  }

  #sweep(): void {
    for (let passed = 0; this.#passed < this.#queues.size && this.options.maySend();) {
      const [queue] = this.#queues;
      if (queue === undefined || this.#give(queue) !== "full") continue;
      passed += 1;
      this.#passed += 1;
      if (passed === PASSED_AT_ONCE_MAX) return this.#sweepSoon();
    }
  }

  #give(queue: WebhookQueue): Turn {
    this.#queues.delete(queue);
    const turn = this.options.start(queue);
    if (turn !== "wait" && queue.ready.length > 0) this.#queues.add(queue);
    if (turn === "started") this.#passed = 0;
    return turn;
  }
}
