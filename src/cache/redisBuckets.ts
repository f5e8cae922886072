/**
 * Token buckets that all nodes share, in Redis. A node takes from a bucket there in slices and gives them out by itself, so that not every
 * request pays a way to Redis. Slices grow with demand, up to `SLICE_PART` of what the bucket holds or gives in a second: between any two
 * moments each node lets in at most one slice more than the rule says, and leaves at most one slice unused.
 *
 * While Redis does not answer this node's own memory counts, which was charged all along for what was taken here.
 */
import { LRUCache } from "lru-cache";
import { type BucketRule, debtMs, hasOne, type Taken, told } from "../domain/bucket";
import { type Granted, takeInRedis } from "./bucketScript";
import { type Circuit, createCircuit } from "./bucketCircuit";
import { emptyHand, fillHand, fromHand, growSlice, type Hand, refusal, refuse } from "./hand";
import { BUCKETS_KEPT_MAX, type MemoryBuckets } from "./memoryBuckets";
import type { RedisLink } from "./redis";

const KEY_PREFIX = "tocsin:bucket:";
/** A longer key is told by its hash. */
const KEY_CHARS_MAX = 200;
const PROBE = { rule: { name: "probe", perSecond: 1, burst: 1 }, wanted: 1, onCredit: true };

export interface RedisBucketsOptions {
  readonly redis: RedisLink;
  /** Counts while Redis does not. */
  readonly memory: MemoryBuckets;
  /** Limits are those of all nodes together from now on, or of this node alone, for a reason. */
  readonly onShared: (shared: boolean, reason: string | null) => void;
  readonly retryMs?: number;
}

export class RedisBuckets {
  readonly #redis: RedisLink;
  readonly #memory: MemoryBuckets;
  readonly #circuit: Circuit;
  readonly #hands = new Map<string, LRUCache<string, Hand>>();
  readonly #onSettled: () => void;

  constructor({ redis, memory, onShared, ...options }: RedisBucketsOptions) {
    this.#redis = redis;
    this.#memory = memory;
    this.#circuit = createCircuit({
      ...options,
      probe: () => takeInRedis(redis, `${KEY_PREFIX}probe`, PROBE),
      onTurn: (up, reason) => {
        // What was in hand was taken from a Redis that may have forgotten it.
        this.#hands.clear();
        onShared(up, reason);
      },
    });
    this.#onSettled = () => this.#circuit.look();
    // Whether there is anybody shows by one or the other.
    for (const event of ["ready", "close"]) redis.client.on(event, this.#onSettled);
    if (redis.isUp()) this.#onSettled();
  }

  take(rule: BucketRule, key: string): Taken | Promise<Taken> {
    if (!this.#circuit.isUp()) return this.#memory.take(rule, key);
    const hand = this.#handOf(rule, key);
    return (hand.filling === null ? fromHand(hand, rule, performance.now()) : null) ?? this.#takeLater(rule, key, hand);
  }

  look(rule: BucketRule, key: string): Taken | Promise<Taken> {
    if (!this.#circuit.isUp()) return this.#memory.look(rule, key);
    const hand = this.#handOf(rule, key);
    return refusal(hand, rule, performance.now()) ?? this.#lookLater(rule, key, hand);
  }

  charge(rule: BucketRule, key: string, cost: number): number | Promise<number> {
    return this.#circuit.isUp() ? this.#chargeLater(rule, key, cost) : this.#memory.charge(rule, key, cost);
  }

  stop(): void {
    this.#circuit.stop();
    for (const event of ["ready", "close"]) this.#redis.client.off(event, this.#onSettled);
  }

  #handOf({ name }: BucketRule, key: string): Hand {
    let hands = this.#hands.get(name);
    if (hands === undefined) this.#hands.set(name, (hands = new LRUCache({ max: BUCKETS_KEPT_MAX })));
    let hand = hands.get(key);
    if (hand === undefined) hands.set(key, (hand = emptyHand()));
    return hand;
  }

  async #ask(rule: BucketRule, key: string, wish: { wanted: number; onCredit: boolean }): Promise<Granted> {
    const short = key.length > KEY_CHARS_MAX ? Bun.SHA256.hash(key, "hex") : key;
    const answer = await takeInRedis(this.#redis, `${KEY_PREFIX}${rule.name}:${short}`, { rule, ...wish });
    if (answer.granted > 0) this.#memory.charge(rule, key, answer.granted);
    return answer;
  }

  /** The next slice, for all that wait for it. Never rejects: what fails turns to memory. */
  async #fill(rule: BucketRule, key: string, hand: Hand): Promise<void> {
    try {
      const answer = await this.#ask(rule, key, { wanted: growSlice(hand, rule, performance.now()), onCredit: false });
      fillHand(hand, answer, performance.now());
      if (answer.granted === 0) refuse(hand, rule, performance.now());
    } catch (error) {
      this.#circuit.failed(error);
    } finally {
      hand.filling = null;
    }
  }

  async #takeLater(rule: BucketRule, key: string, hand: Hand): Promise<Taken> {
    hand.waiting += 1;
    try {
      while (this.#circuit.isUp()) {
        await (hand.filling ??= this.#fill(rule, key, hand));
        const taken = this.#circuit.isUp() ? fromHand(hand, rule, performance.now()) : null;
        if (taken !== null) return taken;
      }
      return this.#memory.take(rule, key);
    } finally {
      hand.waiting -= 1;
    }
  }

  async #lookLater(rule: BucketRule, key: string, hand: Hand): Promise<Taken> {
    try {
      const { fullInMs } = await this.#ask(rule, key, { wanted: 0, onCredit: false });
      const now = performance.now();
      hand.fullAt = now + fullInMs;
      const allowed = hasOne(hand.fullAt, rule, now);
      if (!allowed) refuse(hand, rule, now);
      return told(allowed, hand.fullAt, rule, now);
    } catch (error) {
      this.#circuit.failed(error);
      return this.#memory.look(rule, key);
    }
  }

  async #chargeLater(rule: BucketRule, key: string, cost: number): Promise<number> {
    try {
      const { fullInMs } = await this.#ask(rule, key, { wanted: cost, onCredit: true });
      const now = performance.now();
      return debtMs(now + fullInMs, rule, now);
    } catch (error) {
      this.#circuit.failed(error);
      return this.#memory.charge(rule, key, cost);
    }
  }
}
