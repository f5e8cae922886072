import { pause } from "../pause";
import { nextTurn } from "../nextTurn";
import type { ChangeFeedStore, LoggedChange } from "../store/store";
import type { ChangeHints } from "./ports";
import { Ring, type RingLimits } from "./ring";

/** How often it looks without a hint. */
const LOOK_EVERY_MS = 500;
/** From one look to the next, so that under load changes go out together; longer where handing them on takes long. */
const REST_MIN_MS = 20;
const REST_MAX_MS = 100;
/** A rest lasts so many times as long as handing on took: the rest of the time is for everybody else. */
const REST_PER_WORK = 1;
const ROWS_MAX = 2000;
const BYTES_MAX = 2 * 1024 * 1024;
const RETRY_MS = 500;

export interface FeedOptions {
  readonly store: ChangeFeedStore;
  readonly hints: ChangeHints;
  readonly ring: RingLimits;
  /** Hands on what was read: in the ring by now, in its order. */
  readonly onChanges: (ring: Ring, changes: readonly LoggedChange[]) => void;
  /** Changes were lost between two looks, or the log is another one: whoever follows must find out for itself. */
  readonly onBreak: () => void;
  readonly failed: (error: unknown) => void;
}

/** Follows the log of changes from the present on: hints make it look, what it takes comes from the table. */
export class Feed {
  #woken = false;
  #doze = new AbortController();
  readonly #ending = new AbortController();
  readonly #unfollow: () => void;
  readonly #running: Promise<void>;

  private constructor(
    readonly ring: Ring,
    private readonly options: FeedOptions,
  ) {
    this.#unfollow = options.hints.follow(() => this.#wake());
    this.#running = this.#run();
  }

  static async open(options: FeedOptions): Promise<Feed> {
    const { start } = await options.store.readChanges({ from: null, range: {}, order: "desc" }, { rows: 1, bytes: 1 });
    return new Feed(new Ring(start, options.ring), options);
  }

  async stop(): Promise<void> {
    this.#unfollow();
    this.#ending.abort();
    this.#doze.abort();
    await this.#running;
  }

  #wake(): void {
    this.#woken = true;
    this.#doze.abort();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      try {
        this.#woken = false;
        const { more, workMs } = await this.#look();
        await pause(Math.min(Math.max(REST_MIN_MS, workMs * REST_PER_WORK), REST_MAX_MS), this.#ending.signal);
        if (!more) await this.#rest();
      } catch (error) {
        this.options.failed(error);
        await pause(RETRY_MS, this.#ending.signal);
      }
    }
  }

  async #look(): Promise<{ more: boolean; workMs: number }> {
    const { store, onChanges, onBreak } = this.options;
    const slice = await store.readChanges({ from: this.ring.end, range: {}, order: "asc" }, { rows: ROWS_MAX, bytes: BYTES_MAX });
    if (slice.missed > 0 || slice.foreign) {
      this.#ending.abort();
      onBreak();
      return { more: false, workMs: 0 };
    }
    if (slice.changes.length === 0) return { more: false, workMs: 0 };
    const startedAt = performance.now();
    onChanges(this.ring, slice.changes);
    // Those who were woken take theirs before anything else comes.
    await nextTurn();
    return { more: slice.more, workMs: performance.now() - startedAt };
  }

  async #rest(): Promise<void> {
    if (this.#woken || this.#ending.signal.aborted) return;
    this.#doze = new AbortController();
    await pause(LOOK_EVERY_MS, this.#doze.signal);
  }
}
