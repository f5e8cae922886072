/** The part of the store's port (store.ts) that repeats of a request are recognised by. */

export interface IdempotentRequest {
  readonly actorId: string;
  /** Whoever asks chose it. */
  readonly key: string;
  /** What was asked for: a repeat asks for the same. */
  readonly fingerprint: string;
}

/** A request that was begun: `begunAt` tells it from one that comes under the same key when this one is forgotten. */
export type BegunRequest = Pick<IdempotentRequest, "actorId" | "key"> & { readonly begunAt: number };

export type IdempotentBeginning =
  | { readonly kind: "begun" }
  /** The first one runs, or whoever ran it died. */
  | { readonly kind: "running"; readonly begunAt: number }
  | { readonly kind: "ended"; readonly status: number; readonly answer: string }
  /** The key stands for another request. */
  | { readonly kind: "other" };

export interface IdempotencyStore {
  /** Of many at once, one begins. What was begun before `keptSince` counts no more. */
  beginIdempotent(request: IdempotentRequest, now: number, keptSince: number): Promise<IdempotentBeginning>;
  endIdempotent(begun: BegunRequest, answered: { readonly status: number; readonly answer: string }): Promise<void>;
  /** The request made nothing: its key is free again. */
  forgetIdempotent(begun: BegunRequest): Promise<void>;
  /** Takes out at most `limit` that were begun before; gives how many. */
  pruneIdempotent(before: number, limit: number): Promise<number>;
}
