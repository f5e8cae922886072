import type { PlaceInTime } from "../places/place";
import type { Answer, Order } from "./worker";

/** How long an orderly end may take; what runs ends first. */
const CLOSE_MS = 3000;
/**
 * While there are commits, what they wrote is copied into the database so often. Pages that many of them touch are copied once, so more
 * often would mean more writing, and commits wait for the disk.
 */
const CHECKPOINT_EVERY_MS = 3000;
/** A store that hardly writes does not need the thread. */
const COMMITS_BEFORE = 200;

/** A thread for what need not hold anybody up, started when there is something for it to do. */
export interface StoreThread {
  /** Folds up to `rowsMax` reports of each partition; resolves with how far is folded then. Rejects when that failed. */
  fold(rowsMax: number): Promise<readonly PlaceInTime[]>;
  /** Takes pruned places out of the index, in a while. */
  forget(places: readonly (PlaceInTime & { readonly sensorId: string })[]): void;
  /** Says that something was committed. */
  committed(): void;
  close(): Promise<void>;
}

export function createStoreThread(file: string): StoreThread {
  let worker: Worker | null = null;
  /** Answers come in the order of the orders. */
  let waiting: PromiseWithResolvers<Answer>[] = [];
  let commits = 0;
  let checkpointing = false;
  let checkpointAt = 0;
  let closed = false;

  function start(): Worker {
    const started = new Worker(new URL("./worker.ts", import.meta.url).href);
    started.unref();
    started.onmessage = ({ data }: MessageEvent<Answer>) => waiting.shift()?.resolve(data);
    started.onerror = ({ message }) => end(`the store's thread ended: ${message}`);
    started.postMessage({ kind: "open", file } satisfies Order);
    return started;
  }

  /** The next order begins with a new thread. */
  function end(reason: string): void {
    worker = null;
    for (const { resolve } of waiting.splice(0)) resolve({ kind: "failed", reason });
  }

  function ask(order: Order): Promise<Answer> {
    if (closed && order.kind !== "close") return Promise.resolve({ kind: "failed", reason: "the store is closed" });
    worker ??= start();
    const asked = Promise.withResolvers<Answer>();
    waiting.push(asked);
    worker.postMessage(order);
    return asked.promise;
  }

  async function checkpoint(): Promise<void> {
    checkpointing = true;
    await ask({ kind: "checkpoint" });
    checkpointing = false;
    checkpointAt = performance.now() + CHECKPOINT_EVERY_MS;
  }

  return {
    async fold(rowsMax) {
      const answer = await ask({ kind: "fold", rowsMax });
      if (answer.kind === "folded") return answer.folded;
      throw new Error(answer.kind === "failed" ? answer.reason : "the store's thread has lost count");
    },

    forget(places) {
      void ask({ kind: "forget", places });
    },

    committed() {
      commits += 1;
      if (commits < COMMITS_BEFORE || checkpointing || closed || performance.now() < checkpointAt) return;
      void checkpoint();
    },

    async close() {
      closed = true;
      const running = worker;
      if (running === null) return;
      await Promise.race([ask({ kind: "close" }), Bun.sleep(CLOSE_MS)]);
      waiting = [];
      worker = null;
      running.terminate();
    },
  };
}
