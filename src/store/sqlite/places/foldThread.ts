import type { PlaceInTime } from "./place";
import type { Answer, Order } from "./worker";

/** How long an orderly end may take; a fold that runs ends first. */
const CLOSE_MS = 3000;

/** The thread that folds, started when there is something to do. */
export interface FoldThread {
  /** Resolves with how far is folded then. Rejects when that failed; the next call begins with a new thread. */
  fold(rowsMax: number): Promise<readonly PlaceInTime[]>;
  /** Takes pruned places out, in a while. */
  forget(places: readonly (PlaceInTime & { readonly sensorId: string })[]): void;
  close(): Promise<void>;
}

export function createFoldThread(file: string): FoldThread {
  let worker: Worker | null = null;
  /** Answers come in the order of the orders. */
  let waiting: PromiseWithResolvers<Answer>[] = [];

  function start(): Worker {
    const started = new Worker(new URL("./worker.ts", import.meta.url).href);
    started.unref();
    started.onmessage = ({ data }: MessageEvent<Answer>) => waiting.shift()?.resolve(data);
    started.onerror = ({ message }) => end(`the folding thread ended: ${message}`);
    started.postMessage({ kind: "open", file } satisfies Order);
    return started;
  }

  function end(reason: string): void {
    worker = null;
    for (const { resolve } of waiting.splice(0)) resolve({ kind: "failed", reason });
  }

  function ask(order: Order): Promise<Answer> {
    worker ??= start();
    const asked = Promise.withResolvers<Answer>();
    waiting.push(asked);
    worker.postMessage(order);
    return asked.promise;
  }

  return {
    async fold(rowsMax) {
      const answer = await ask({ kind: "fold", rowsMax });
      if (answer.kind === "folded") return answer.folded;
      throw new Error(answer.kind === "failed" ? answer.reason : `the folding thread answered ${answer.kind}`);
    },

    forget(places) {
      void ask({ kind: "forget", places });
    },

    async close() {
      const running = worker;
      if (running === null) return;
      await Promise.race([ask({ kind: "close" }), Bun.sleep(CLOSE_MS)]);
      waiting = [];
      worker = null;
      running.terminate();
    },
  };
}
