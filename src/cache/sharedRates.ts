/**
 * Rates of webhooks that hold for all nodes together. Redis gives out the moments at which the attempts of a webhook may start, evenly spaced
 * and each to one node. A node asks when an attempt waits for one, for several at a time once they are used up at once, and is told when each
 * of them comes: so who sends what is in Redis's order, and nobody asks in vain.
 *
 * Without Redis each node sends its part of every rate (ratePool.ts says when). Whatever Redis says, no node sends more than the whole rate.
 */
import { LRUCache } from "lru-cache";
import { WEBHOOKS_MAX } from "../domain/webhook";
import { keepMoments, type Moments, noMoments, usableAt, useOne, wanted, wantedMax } from "./moments";
import { POOLED_MS, RatePool, type RatePoolOptions } from "./ratePool";
import { giveMoments } from "./rateScripts";
import type { RedisLink } from "./redis";

const ASK_AGAIN_MS = 50;

export interface SharedRatesOptions extends Pick<RatePoolOptions, "node" | "owned" | "onShared" | "restMs"> {
  readonly redis: RedisLink;
  /** Begins all keys. */
  readonly prefix: string;
  /** P. */
  readonly partitions: number;
}

export class SharedRates {
  readonly #pool: RatePool;
  readonly #poolKey: string;
  readonly #moments = new LRUCache<string, Moments>({ max: WEBHOOKS_MAX });
  readonly #listeners = new Set<(webhookId: string) => void>();

  constructor(private readonly options: SharedRatesOptions) {
    this.#poolKey = `${options.prefix}:rates`;
    this.#pool = new RatePool({ ...options, poolKey: this.#poolKey, onShared: (shared, reason) => this.#turned(shared, reason) });
  }

  dueInMs(webhookId: string, perSecond: number): number | null {
    const now = performance.now();
    const how = this.#how(now);
    if (how.kind === "own") return 0;
    if (how.kind === "between") return how.ms;
    const moments = this.#momentsOf(webhookId, perSecond);
    const at = usableAt(moments, now) ?? (moments.askAgainAt > now ? moments.askAgainAt : null);
    return at === null ? null : Math.max(0, at - now);
  }

  ask(webhookId: string, perSecond: number): void {
    const moments = this.#momentsOf(webhookId, perSecond);
    if (moments.asking) return;
    moments.asking = true;
    void this.#fetch(webhookId, moments);
  }

  take(webhookId: string, perSecond: number): number {
    const now = performance.now();
    if (this.#how(now).kind === "own") return perSecond * this.#share;
    useOne(this.#momentsOf(webhookId, perSecond), now);
    return perSecond;
  }

  onAnswer(listener: (webhookId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#pool.stop();
  }

  get #share(): number {
    const { owned, partitions } = this.options;
    return Math.max(1, owned()) / partitions;
  }

  /** Whoever owns everything shares with nobody. */
  #how(now: number) {
    return this.#share === 1 ? ({ kind: "own" } as const) : this.#pool.where(now);
  }

  #turned(shared: boolean, reason: string | null): void {
    // What was given goes with the pool that gave it.
    if (!shared) this.#moments.clear();
    this.options.onShared(shared, reason);
  }

  #momentsOf(webhookId: string, perSecond: number): Moments {
    const known = this.#moments.get(webhookId);
    if (known?.perSecond === perSecond) return known;
    const none = noMoments(perSecond);
    this.#moments.set(webhookId, none);
    return none;
  }

  /** Never rejects. */
  async #fetch(webhookId: string, moments: Moments): Promise<void> {
    const { redis, prefix, node, partitions } = this.options;
    const { perSecond, endUs: floorUs } = moments;
    const askedAt = performance.now();
    const count = wanted(moments, askedAt);
    const wish = { node, lastsMs: POOLED_MS, partitions, perSecond, wanted: count, wantedMax: wantedMax(perSecond), floorUs };
    try {
      const given = await giveMoments(redis, [this.#poolKey, `${prefix}:rate:${webhookId}`], wish);
      if (given === null) {
        this.#pool.forgotten();
        throw new Error("Redis forgot this node");
      }
      moments.endUs = given.endUs;
      if (given.isOdd) throw new Error("Redis forgot what it gave, or somebody else writes there");
      keepMoments(moments, given, { count, askedAt, now: performance.now() });
      this.#pool.succeeded();
    } catch (error) {
      moments.askAgainAt = performance.now() + ASK_AGAIN_MS;
      this.#pool.failed(error);
    } finally {
      moments.asking = false;
      for (const listener of this.#listeners) listener(webhookId);
    }
  }
}
