import { Failing } from "./failing";
import { joinPool } from "./rateScripts";
import type { RedisLink } from "./redis";

/** An entry in the pool stands for so long; until it is over, the node's part of every rate is nobody's but the pool's. */
export const POOLED_MS = 1500;
const RENEW_MS = 400;
const RETRY_MS = 50;
/** A node that is out tries to come back after this; twice as long each time that it had to leave again soon. */
const REST_MS = 2000;
const REST_MS_MAX = 60_000;
const STEADY_MS = 10_000;

/** `between`: neither the pool's nor this node's own, for so long at most. */
export type Where = { readonly kind: "pooled" } | { readonly kind: "own" } | { readonly kind: "between"; readonly ms: number };

export interface RatePoolOptions {
  readonly redis: RedisLink;
  readonly poolKey: string;
  readonly node: string;
  /** How many partitions this node owns. */
  readonly owned: () => number;
  /** Told at the beginning and at every turn. */
  readonly onShared: (shared: boolean, reason: string | null) => void;
  /** Shorter in tests. */
  readonly restMs?: number;
}

const POOLED: Where = { kind: "pooled" };
const OWN: Where = { kind: "own" };
/** Whether there is anybody shows by one or the other. */
const SIGNS = ["ready", "close"];

/**
 * Whether this node's part of every rate is in the pool, from which all nodes take, or in its own hand. It is never in both: whoever cannot
 * reach Redis any more keeps still until its entry there is over, by whatever clock, before it goes on by its own part. So no node need
 * know whether another one sees Redis, too.
 */
export class RatePool {
  readonly #renewing = new Failing();
  readonly #asking = new Failing();
  /** Redis's clock, and when this node was told. */
  #clock: { readonly us: number; readonly at: number } | null = null;
  #isIn = false;
  /** The entry stands until then, by what was answered … */
  #surelyUntil = 0;
  /** … or by what may have arrived. A node that begins may hold partitions that still count for another. */
  #perhapsUntil = performance.now() + POOLED_MS;
  #joinedAt = 0;
  #leaves = 0;
  #restMs: number;
  #restsUntil = 0;
  #told: boolean | null = null;
  #timer: Timer | null = null;
  #stepping = false;
  #stopped = false;

  constructor(private readonly options: RatePoolOptions) {
    this.#restMs = options.restMs ?? REST_MS;
    for (const sign of SIGNS) options.redis.client.on(sign, this.#onSign);
    if (options.redis.isUp()) this.#onSign();
  }

  where(now: number): Where {
    if (this.#isIn && now < this.#surelyUntil) return POOLED;
    return now < this.#perhapsUntil ? { kind: "between", ms: this.#perhapsUntil - now } : OWN;
  }

  /** Moments were given. */
  succeeded(): void {
    this.#asking.succeeded(performance.now());
  }

  /** Moments could not be had. */
  failed(error: unknown): void {
    if (this.#isIn && this.#asking.failed(performance.now())) this.#leave(error as Error);
  }

  /** Redis knows nothing of this node's entry. */
  forgotten(): void {
    if (this.#isIn) this.#onSign();
  }

  stop(): void {
    this.#stopped = true;
    for (const sign of SIGNS) this.options.redis.client.off(sign, this.#onSign);
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  readonly #onSign = (): void => {
    if (!this.#stepping) this.#stepIn(this.#isIn ? 0 : this.#restsUntil - performance.now());
  };

  #stepIn(ms: number): void {
    if (this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    (this.#timer = setTimeout(() => void this.#step(), Math.max(0, ms))).unref();
  }

  async #step(): Promise<void> {
    this.#stepping = true;
    const leaves = this.#leaves;
    let againInMs = RENEW_MS;
    try {
      if (this.#isIn && performance.now() >= this.#surelyUntil) throw new Error("Redis did not answer in time");
      const sentAt = await this.#enter();
      if (leaves === this.#leaves) this.#entered(sentAt);
    } catch (error) {
      this.#notEntered(error as Error);
      againInMs = RETRY_MS;
    }
    this.#stepping = false;
    this.#stepIn(this.#isIn ? againInMs : this.#restsUntil - performance.now());
  }

  /** Gives when the entry was sent, from which its time counts. */
  async #enter(): Promise<number> {
    // Whoever is out asks first whether there is an answer: an entry without one costs the time that it may stand.
    const clock = (this.#clock ??= await this.#send(0));
    const sentAt = performance.now();
    this.#perhapsUntil = sentAt + POOLED_MS;
    const answer = await this.#send(Math.floor(clock.us + (sentAt - clock.at + POOLED_MS) * 1000));
    if (!answer.isIn) throw new Error("Redis's clock is not where it was");
    this.#clock = answer;
    return sentAt;
  }

  async #send(untilUs: number): Promise<{ us: number; at: number; isIn: boolean }> {
    const { redis, poolKey, node, owned } = this.options;
    const { timeUs, isIn } = await joinPool(redis, poolKey, { node, owned: owned(), untilUs, lastsMs: POOLED_MS });
    return { us: timeUs, at: performance.now(), isIn };
  }

  #entered(sentAt: number): void {
    this.#renewing.succeeded(sentAt);
    this.#surelyUntil = sentAt + POOLED_MS;
    if (this.#isIn) return;
    this.#isIn = true;
    this.#joinedAt = sentAt;
    for (const failing of [this.#renewing, this.#asking]) failing.forget();
    this.#tell(true, null);
  }

  #notEntered(error: Error): void {
    const now = performance.now();
    this.#clock = null;
    if (!this.#isIn) {
      this.#rest(now, now < this.#perhapsUntil);
      this.#tell(false, error.message);
    } else if (this.#renewing.failed(now) || now >= this.#surelyUntil) this.#leave(error);
  }

  #leave(error: Error): void {
    const now = performance.now();
    this.#leaves += 1;
    this.#isIn = false;
    this.#surelyUntil = 0;
    this.#clock = null;
    this.#rest(now, now - this.#joinedAt < STEADY_MS);
    this.#tell(false, error.message);
    if (!this.#stepping) this.#stepIn(this.#restMs);
  }

  /** `again`: being in, or trying to be, was for nothing. */
  #rest(now: number, again: boolean): void {
    const { restMs = REST_MS } = this.options;
    this.#restMs = again ? Math.min(REST_MS_MAX, this.#restMs * 2) : restMs;
    this.#restsUntil = now + this.#restMs;
  }

  #tell(shared: boolean, reason: string | null): void {
    if (this.#told === shared || this.#stopped) return;
    this.#told = shared;
    this.options.onShared(shared, reason);
  }
}
