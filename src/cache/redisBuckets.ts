/**
 * Token buckets that all nodes share, in Redis. A node takes from a bucket there in slices and gives them out by itself, so that not every
 * request pays a way to Redis. A slice grows with demand, up to {@link SLICE_PART} of what the bucket gives in a second (or holds): between
 * any two moments all nodes together let in at most that much more for each node than the rule says, and refuse that much earlier.
 *
 * While Redis does not answer, this node's own memory counts: it was charged all along for what was taken here.
 */
import { LRUCache } from "lru-cache";
import { type BucketRule, debtMs, hasOne, type Taken, told } from "../domain/bucket";
import { type Granted, takeInRedis } from "./bucketScript";
import { BUCKETS_KEPT_MAX, type MemoryBuckets } from "./memoryBuckets";
import type { RedisLink } from "./redis";

const KEY_PREFIX = "tocsin:bucket:";
/** The largest slice, as a part of a second's worth. */
const SLICE_PART = 1 / 20;
/** A slice that lasted for less asks for a larger one. */
const SLICE_LASTS_MS = 100;
/** What was not given out by then is forgotten. */
const HELD_MS = 1000;
/** Who was refused is refused without asking Redis again for so long at most. */
const REFUSED_MS = 1000;
/** How often a Redis that failed is tried again, while nobody waits for it. */
const RETRY_MS = 1000;

/** What this node has of a bucket. Times are of its own clock. */
interface Hand {
  tokens: number;
  heldUntil: number;
  filledAt: number;
  slice: number;
  /** What stands in Redis, as it was told last. */
  left: number;
  fullAt: number;
  refusedUntil: number;
  /** Requests that wait for the next slice. */
  waiting: number;
  filling: Promise<void> | null;
}

export interface RedisBucketsOptions {
  readonly redis: RedisLink;
  /** Counts while Redis does not. */
  readonly memory: MemoryBuckets;
  /** Limits are those of all nodes together from now on, or of this node alone, for a reason. */
  readonly onShared: (shared: boolean, reason: string | null) => void;
  readonly retryMs?: number;
}

export type RedisBuckets = ReturnType<typeof createRedisBuckets>;

export function createRedisBuckets({ redis, memory, onShared, retryMs = RETRY_MS }: RedisBucketsOptions) {
  const now = () => performance.now();
  const byRule = new Map<string, LRUCache<string, Hand>>();
  let shared = false;
  let toldShared: boolean | null = null;
  let stopped = false;

  function turn(to: boolean, reason: string | null): void {
    shared = to;
    // What was in hand was taken from a Redis that may have forgotten it.
    if (!to) byRule.clear();
    if (toldShared !== to && !stopped) onShared(to, reason);
    toldShared = to;
  }

  /** Nobody waits for a Redis that failed: the next answer to this turns back. */
  async function probe(): Promise<void> {
    if (shared || stopped) return;
    try {
      await takeInRedis(redis, `${KEY_PREFIX}probe`, { rule: { name: "probe", perSecond: 1, burst: 1 }, wanted: 1, onCredit: true });
      turn(true, null);
    } catch (error) {
      turn(false, (error as Error).message);
    }
  }
  const timer = setInterval(() => void probe(), retryMs);
  timer.unref();
  const onReady = () => void probe();
  redis.client.on("ready", onReady);
  void probe();

  function handOf({ name }: BucketRule, key: string): Hand {
    let hands = byRule.get(name);
    if (hands === undefined) byRule.set(name, (hands = new LRUCache({ max: BUCKETS_KEPT_MAX })));
    let hand = hands.get(key);
    if (hand === undefined) hands.set(key, (hand = emptyHand()));
    return hand;
  }

  async function ask(rule: BucketRule, key: string, wish: { wanted: number; onCredit: boolean }): Promise<Granted> {
    const answer = await takeInRedis(redis, `${KEY_PREFIX}${rule.name}:${key}`, { rule, ...wish });
    if (answer.granted > 0) memory.charge(rule, key, answer.granted);
    return answer;
  }

  /** The next slice, for all that wait for it. Never rejects: what fails turns to memory. */
  async function fill(rule: BucketRule, key: string, hand: Hand): Promise<void> {
    hand.slice = nextSlice(hand, rule, now());
    try {
      const { granted, left, fullInMs } = await ask(rule, key, { wanted: Math.max(hand.slice, hand.waiting), onCredit: false });
      const at = now();
      Object.assign(hand, { tokens: granted, heldUntil: at + HELD_MS, filledAt: at, left, fullAt: at + fullInMs });
      if (granted === 0) hand.refusedUntil = refusedUntil(hand, rule, at);
    } catch (error) {
      turn(false, (error as Error).message);
    } finally {
      hand.filling = null;
    }
  }

  async function takeLater(rule: BucketRule, key: string, hand: Hand): Promise<Taken> {
    hand.waiting += 1;
    try {
      while (shared) {
        await (hand.filling ??= fill(rule, key, hand));
        const taken = shared ? fromHand(hand, rule, now()) : null;
        if (taken !== null) return taken;
      }
      return memory.take(rule, key);
    } finally {
      hand.waiting -= 1;
    }
  }

  async function lookLater(rule: BucketRule, key: string, hand: Hand): Promise<Taken> {
    try {
      const { left, fullInMs } = await ask(rule, key, { wanted: 0, onCredit: false });
      const at = now();
      Object.assign(hand, { left, fullAt: at + fullInMs });
      const allowed = hasOne(hand.fullAt, rule, at);
      if (!allowed) hand.refusedUntil = refusedUntil(hand, rule, at);
      return told(allowed, hand.fullAt, rule, at);
    } catch (error) {
      turn(false, (error as Error).message);
      return memory.look(rule, key);
    }
  }

  async function chargeLater(rule: BucketRule, key: string, cost: number): Promise<number> {
    try {
      const { left, fullInMs } = await ask(rule, key, { wanted: cost, onCredit: true });
      const at = now();
      Object.assign(handOf(rule, key), { left, fullAt: at + fullInMs });
      return debtMs(at + fullInMs, rule, at);
    } catch (error) {
      turn(false, (error as Error).message);
      return memory.charge(rule, key, cost);
    }
  }

  return {
    take(rule: BucketRule, key: string): Taken | Promise<Taken> {
      if (!shared) return memory.take(rule, key);
      const hand = handOf(rule, key);
      return (hand.filling === null ? fromHand(hand, rule, now()) : null) ?? takeLater(rule, key, hand);
    },
    look(rule: BucketRule, key: string): Taken | Promise<Taken> {
      if (!shared) return memory.look(rule, key);
      const hand = handOf(rule, key);
      return refusalInHand(hand, rule, now()) ?? lookLater(rule, key, hand);
    },
    charge(rule: BucketRule, key: string, cost: number): number | Promise<number> {
      return shared ? chargeLater(rule, key, cost) : memory.charge(rule, key, cost);
    },
    stop(): void {
      stopped = true;
      clearInterval(timer);
      redis.client.off("ready", onReady);
    },
  };
}

function emptyHand(): Hand {
  const never = Number.NEGATIVE_INFINITY;
  return { tokens: 0, heldUntil: never, filledAt: never, slice: 1, left: 0, fullAt: 0, refusedUntil: never, waiting: 0, filling: null };
}

/** Null when nobody can tell without Redis. */
function fromHand(hand: Hand, rule: BucketRule, now: number): Taken | null {
  if (hand.tokens >= 1 && now < hand.heldUntil) {
    hand.tokens -= 1;
    return { allowed: true, remaining: hand.left + hand.tokens, resetMs: Math.max(0, hand.fullAt - now), retryAfterMs: 0 };
  }
  return refusalInHand(hand, rule, now);
}

function refusalInHand({ refusedUntil: until, fullAt }: Hand, rule: BucketRule, now: number): Taken | null {
  return now < until ? { ...told(false, fullAt, rule, now), remaining: 0 } : null;
}

function refusedUntil({ fullAt }: Hand, rule: BucketRule, now: number): number {
  return now + Math.min(REFUSED_MS, Math.max(1, told(false, fullAt, rule, now).retryAfterMs));
}

/** Twice the last one, when that did not last; else one by one. */
function nextSlice({ slice, filledAt }: Hand, { perSecond, burst }: BucketRule, now: number): number {
  const max = Math.max(1, Math.floor(Math.min(perSecond, burst) * SLICE_PART));
  return now - filledAt < SLICE_LASTS_MS ? Math.min(max, slice * 2) : 1;
}
