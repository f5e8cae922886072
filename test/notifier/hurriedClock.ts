import type { Clock } from "../../src/notifier/notifier";

/** The wall clock of a notifier, which a test moves ahead. `random` gives what is wanted; 0 leaves waits unstretched. */
export class HurriedClock implements Clock {
  #aheadMs = 0;

  constructor(readonly random: () => number = () => 0) {}

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}
