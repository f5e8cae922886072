import { describe, test } from "bun:test";
import type { Store } from "../../../src/store/store";

/** What a driver must be able to do to be put to the test. */
export interface StoreHarness {
  /** A store that is new and empty. */
  open(): Promise<OpenedStore>;
}

/** Disposing of it closes the store and leaves nothing behind. */
export interface OpenedStore extends AsyncDisposable {
  readonly store: Store;
  /** Closes the store, as the end of a process would, and opens what it left. */
  reopen(): Promise<Store>;
  /** Adds so many webhooks by a shorter way than the port's, one by one; their ids begin with `crowd`. */
  addWebhooks(count: number): Promise<void>;
}

/** Has a new store to itself; `harness` opens more of them. */
export type Promised = (store: Store, opened: OpenedStore, harness: StoreHarness) => Promise<void>;

/** What is promised of one thing; each name goes on where `of` ends. */
export interface Promises {
  readonly of: string;
  readonly all: Readonly<Record<string, Promised>>;
}

/** A drawn example may need many stores. */
const TEST_MS = 60_000;

export function promises(of: string, all: Promises["all"]): Promises {
  return { of, all };
}

export function putToTheTest({ of, all }: Promises, harness: StoreHarness): void {
  describe(of, () => {
    for (const [name, promised] of Object.entries(all)) test(name, () => onNewStore(harness, promised), TEST_MS);
  });
}

export async function onNewStore(harness: StoreHarness, body: Promised): Promise<void> {
  await using opened = await harness.open();
  await body(opened.store, opened, harness);
}
