import type { WebhookQueue } from "./queue";

/** So many in a row that may not start now, and the others' turn comes another time: each end of an attempt would cost a look at all. */
const PASSED_MAX = 64;

/** What came of a queue's turn: `wait`: it is given another one when something has changed for it; `full`: when anything has. */
export type Turn = "started" | "wait" | "full";

/** Queues with something ready, whose turn comes in the order in which they were added. */
export class QueuesInTurn {
  readonly #turns = new Set<WebhookQueue>();

  add(queue: WebhookQueue): void {
    this.#turns.add(queue);
  }

  /** Gives each its turn, again and again, as long as anything starts. True when there are others that had none. */
  take(startNext: (queue: WebhookQueue) => Turn, maySend: () => boolean): boolean {
    for (let passed = 0; passed < this.#turns.size && maySend();) {
      const [queue] = this.#turns;
      if (queue === undefined) return false;
      this.#turns.delete(queue);
      const turn = startNext(queue);
      if (turn !== "wait" && queue.ready.length > 0) this.#turns.add(queue);
      if (turn === "started") passed = 0;
      else if (turn === "full" && (passed += 1) === PASSED_MAX) return true;
    }
    return false;
  }
}
