/** The keys that whoever issues JSON Web Tokens publishes (RFC 7517), kept at hand. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, type LocalJWKSet } from "jose";
import { Fault } from "../../domain/fault";

/** Asked for again after this, beside the requests. */
const FRESH_MS = 5 * 60_000;
/** And who asks waits for it after this: nobody has asked for long, and a key may have been withdrawn meanwhile. */
const STALE_MS = 2 * FRESH_MS;
/** While nobody answers, what was published last counts for so long. */
const KEPT_MS = 60 * 60_000;
/** How often a key that nobody knows makes us ask; a new one is known the first time. */
const UNKNOWN_EVERY_MS = 10_000;
/** How soon is asked again where nobody answered. */
const FAILED_EVERY_MS = 2000;
const FETCH_MS = 3000;
const BYTES_MAX = 256 * 1024;
const KEYS_MAX = 100;

export interface KeySetOptions {
  readonly url: string;
  /** They could not be fetched. */
  readonly failed: (error: unknown) => void;
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
}

interface Kept {
  readonly find: LocalJWKSet;
  readonly fetchedAt: number;
}

/** Finds the key of a token. Throws what jose throws for a token without one, `Fault` (unavailable) when that cannot be known. */
export function createKeySet({ url, failed, clock = () => performance.now() }: KeySetOptions): JWTVerifyGetKey {
  let kept: Kept | null = null;
  let failedAt = Number.NEGATIVE_INFINITY;
  let unknownAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | null = null;

  const isFailing = () => failedAt !== Number.NEGATIVE_INFINITY;

  async function fetchAll(): Promise<void> {
    try {
      const find = createLocalJWKSet(await fetchKeys(url));
      kept = { find, fetchedAt: clock() };
      failedAt = Number.NEGATIVE_INFINITY;
    } catch (error) {
      failedAt = clock();
      failed(error);
    } finally {
      fetching = null;
    }
  }

  /** One at a time, and not soon again where it failed. */
  function refresh(): Promise<void> {
    if (fetching === null && clock() - failedAt < FAILED_EVERY_MS) return Promise.resolve();
    fetching ??= fetchAll();
    return fetching;
  }

  async function usable(): Promise<Kept> {
    const age = kept === null ? Number.POSITIVE_INFINITY : clock() - kept.fetchedAt;
    if (age >= KEPT_MS || (age >= STALE_MS && !isFailing())) await refresh();
    else if (age >= FRESH_MS) void refresh();
    if (kept === null || clock() - kept.fetchedAt >= KEPT_MS) throw away();
    return kept;
  }

  /** It may have been published since. */
  async function afterUnknown(before: Kept): Promise<Kept> {
    const now = clock();
    if (isFailing() || fetching !== null || now - unknownAt >= UNKNOWN_EVERY_MS) {
      unknownAt = now;
      await refresh();
    }
    if (isFailing()) throw away();
    return kept ?? before;
  }

  return async (header, input) => {
    const keys = await usable();
    try {
      return await keys.find(header, input);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const newer = await afterUnknown(keys);
      if (newer === keys) throw error;
      return newer.find(header, input);
    }
  };
}

function away(): Fault {
  return new Fault("unavailable", "The keys that JSON Web Tokens are checked with cannot be fetched; try again in a moment.");
}

async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const name = shown(url);
  const signal = AbortSignal.timeout(FETCH_MS);
  const response = await fetch(url, { headers: { accept: "application/json, application/jwk-set+json" }, redirect: "error", signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${name} answered ${response.status}`);
  }
  const set = JSON.parse(await readText(response, name)) as JSONWebKeySet;
  if (Array.isArray(set.keys) && set.keys.length > KEYS_MAX) throw new Error(`${name} publishes more than ${KEYS_MAX} keys`);
  return set;
}

/** For the log: what may hold a password, or a key, is left out. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

async function readText({ body }: Response, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = body?.getReader();
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || value === undefined) return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    chunks.push(value);
    bytes += value.length;
    if (bytes <= BYTES_MAX) continue;
    await reader?.cancel();
    throw new Error(`${name} answers with more than ${BYTES_MAX} bytes`);
  }
}
