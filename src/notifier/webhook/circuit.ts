import type { Webhook } from "../../domain/webhook";

/** So many failures one after the other, and the endpoint is left alone … */
export const OPENS_AFTER = 5;
/** … for so long, twice as long each time that the probe fails, too … */
export const HOLD_MS = 5000;
/** … but no longer than this: an endpoint that is back is to be noticed. */
export const HOLD_MAX_MS = 60_000;
/** While it recovers it may have so many attempts at once, twice as many each time that as many succeeded. */
const RECOVERS_WITH = 2;
/** A webhook that was failing for so long when this node first saw it begins with a probe. */
const DISTRUSTED_AFTER_MS = 10_000;

/** `failed`: the endpoint did not answer, or not as one that works. Whatever speaks of the message alone is an answer. */
export type Result = "answered" | "failed";

export type Leave =
  /** So many attempts may run at once. */
  | { readonly kind: "open"; readonly atOnce: number }
  /** None before that time. */
  | { readonly kind: "held"; readonly until: number };

type Endpoint = Pick<Webhook, "url" | "concurrency" | "version" | "lastSuccessAt" | "failingSince" | "heldUntil">;

/**
 * Whether an endpoint takes messages at all, as far as this node knows: `closed` while it does, `open` while it is left alone, then one
 * probe, and after the first success `recovering`, in which it is given more and more. Times are epoch milliseconds.
 */
export class Circuit {
  #state: "closed" | "open" | "recovering";
  #failures = 0;
  #openings = 0;
  #openedAt = 0;
  #openUntil = 0;
  #atOnce = Infinity;
  #successes = 0;
  #heldUntil = 0;
  /** What another node was answered brings the probe forward; `refuted`: this node was not, and its own holds count until it is. */
  #hearsay: "none" | "tried" | "refuted" = "none";
  readonly #url: string;
  #version: number;

  constructor(webhook: Endpoint, now: number) {
    this.#url = webhook.url;
    this.#version = webhook.version;
    const distrusted = webhook.failingSince !== null && webhook.failingSince <= now - DISTRUSTED_AFTER_MS;
    this.#state = distrusted ? "open" : "closed";
    this.#openedAt = distrusted ? now : 0;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /**
   * Whether it still speaks of this webhook: another address, or one that was opened again, is another endpoint. Who does not yet know of
   * an edit makes no other one of it.
   */
  holdsFor({ url, version, failingSince }: Endpoint): boolean {
    if (version <= this.#version) return true;
    this.#version = version;
    return url === this.#url && failingSince !== null;
  }

  /** Whether what was sent to this webhook, as it was known then, went to this endpoint. */
  isOf({ url }: Pick<Endpoint, "url">): boolean {
    return url === this.#url;
  }

  leave({ concurrency, lastSuccessAt, heldUntil }: Endpoint, now: number): Leave {
    const until = Math.max(this.#heldUntil, heldUntil ?? 0);
    if (until > now) return { kind: "held", until };
    if (this.#state === "closed") return { kind: "open", atOnce: concurrency };
    if (this.#state === "recovering") return { kind: "open", atOnce: Math.min(concurrency, this.#atOnce) };
    if (this.#openUntil <= now) return { kind: "open", atOnce: 1 };
    // Another node was answered since.
    const isBack = this.#hearsay !== "refuted" && lastSuccessAt !== null && lastSuccessAt > this.#openedAt;
    if (!isBack) return { kind: "held", until: this.#openUntil };
    this.#hearsay = "tried";
    return { kind: "open", atOnce: 1 };
  }

  /** The endpoint asked to be left alone until then. */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
  }

  ended(result: Result, { concurrency }: Pick<Endpoint, "concurrency">, { now, random }: { now: number; random: number }): void {
    if (result === "answered") this.#succeeded(concurrency);
    else this.#failed(now, random);
  }

  #succeeded(concurrency: number): void {
    this.#failures = 0;
    this.#hearsay = "none";
    if (this.#state === "closed") return;
    if (this.#state === "open") {
      this.#state = "recovering";
      this.#atOnce = RECOVERS_WITH;
      this.#successes = 0;
      return;
    }
    this.#successes += 1;
    if (this.#successes < this.#atOnce) return;
    this.#atOnce *= 2;
    this.#successes = 0;
    if (this.#atOnce < concurrency) return;
    this.#state = "closed";
    this.#openings = 0;
  }

  #failed(now: number, random: number): void {
    this.#failures += 1;
    // Those that ran when it opened say nothing new.
    if (this.#state === "open" && now < this.#openUntil && this.#hearsay !== "tried") return;
    if (this.#hearsay === "tried") this.#hearsay = "refuted";
    if (this.#state === "recovering") this.#atOnce = Math.max(1, Math.floor(this.#atOnce / 2));
    if (this.#state === "open" || this.#failures >= OPENS_AFTER) this.#open(now, random);
  }

  #open(now: number, random: number): void {
    this.#state = "open";
    this.#openedAt = now;
    this.#openUntil = now + Math.round(Math.min(HOLD_MS * 2 ** this.#openings, HOLD_MAX_MS) * (1 + random / 10));
    this.#openings += 1;
  }
}
