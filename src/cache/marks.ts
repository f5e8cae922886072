import { LRUCache } from "lru-cache";
import { isBehind } from "./order";
import type { Register } from "./seal";

/** Sensors of which a node remembers how far it has seen them. */
const MARKS_MAX = 50_000;
/** Edits that are remembered one by one; where there are more, everything from before is too old. */
const EDITS_MAX = 10_000;

export type Orders = Readonly<Record<Register, string>>;

interface Mark {
  orders: Orders;
  /** On the monotonic clock. */
  readonly at: number;
}

/** What a node has seen lately, behind which it never goes back: an entry of before may come back by anybody's hand. */
export class Marks {
  readonly #seen = new LRUCache<string, Mark>({ max: MARKS_MAX });
  readonly #edited: LRUCache<string, number>;
  #allEdited = -Infinity;

  /** `rememberMs`: an edit need not be remembered for longer than anything from before it is believed. */
  constructor(rememberMs: number) {
    this.#edited = new LRUCache({ max: EDITS_MAX, ttl: rememberMs });
  }

  /** Seen lately, the latest first. */
  ids(): Iterable<string> {
    return this.#seen.keys();
  }

  seen(id: string, orders: Orders): void {
    const before = this.#seen.get(id);
    this.#seen.set(id, { orders: before === undefined ? orders : laterOf(before.orders, orders), at: performance.now() });
  }

  /** What the database says, asked at a time, holds: even where it has gone back to before, as one does that is restored from a copy. */
  read(id: string, orders: Orders, askedAt: number): void {
    const before = this.#seen.get(id);
    if (before === undefined || before.at < askedAt) this.#seen.set(id, { orders, at: performance.now() });
    else this.seen(id, orders);
  }

  /** What anybody vouched for of these before `at`, by the database's clock, is over; null where that is not known. */
  edited(ids: readonly string[], at: number | null): void {
    if (at !== null && this.#edited.size + ids.length > EDITS_MAX) this.#allEdited = Math.max(this.#allEdited, at);
    else for (const id of ids) this.#edited.set(id, at ?? Infinity);
  }

  isBehind(register: Register, id: string, { order, vouchedAt }: { readonly order: string; readonly vouchedAt: number }): boolean {
    const mark = this.#seen.peek(id);
    if (mark !== undefined && isBehind(order, mark.orders[register])) return true;
    return vouchedAt <= Math.max(this.#allEdited, this.#edited.get(id) ?? -Infinity);
  }
}

function laterOf(one: Orders, other: Orders): Orders {
  return { registry: later(one.registry, other.registry), state: later(one.state, other.state) };
}

function later(one: string, other: string): string {
  return isBehind(one, other) ? other : one;
}
