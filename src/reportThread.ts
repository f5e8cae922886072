/** Many reports in one request are taken in on a thread of their own: what it takes to check and publish them holds nobody up here. */
import { ReportThread, type StartThread } from "./http/bulk/thread/threadIntake";
import type { Answer, Order } from "./http/bulk/thread/orders";
import type { OpenReportIntake } from "./http/bulk/bulkReports";
import type { IngestStore } from "./store/store";
import type { Events } from "./telemetry/events";

/** An orderly end may take so long. */
const CLOSE_MS = 1000;

/** What the thread needs to know. */
export interface ReportWorkerSettings {
  readonly urls: readonly string[];
  readonly partitions: number;
  readonly registration: "open" | "closed";
}

export interface ReportThreadMeans extends ReportWorkerSettings {
  readonly store: Pick<IngestStore, "loadSensors">;
  readonly events: Pick<Events, "failed">;
}

export function openReportThread(stack: AsyncDisposableStack, { store, events, ...settings }: ReportThreadMeans): OpenReportIntake {
  let worker: Worker | null = null;

  const start: StartThread = (heard, ended) => {
    const started = startWorker(new URL("./reportWorker.ts", import.meta.url), heard, (reason) => {
      if (started !== worker) return;
      events.failed("reports.thread", new Error(`the thread that takes reports in ended: ${reason}`));
      ended();
    });
    worker = started;
    started.unref();
    started.postMessage(settings satisfies ReportWorkerSettings);
    return { order: (order: Order, transfer) => started.postMessage(order, [...transfer]) };
  };

  const thread = new ReportThread({ start, store });
  stack.defer(async () => {
    await Promise.race([thread.close(), Bun.sleep(CLOSE_MS)]);
    const last = worker;
    worker = null;
    last?.terminate();
  });
  return thread.open;
}

/** Tells once of its end, whether it threw or just ended, with the reason. */
export function startWorker(script: URL, heard: (answer: Answer) => void, ended: (reason: string) => void): Worker {
  const worker = new Worker(script.href);
  worker.onmessage = ({ data }: MessageEvent<Answer>) => heard(data);
  const end = Promise.withResolvers<string>();
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    end.resolve(event.message);
  };
  worker.addEventListener("close", () => end.resolve("it was closed"));
  void end.promise.then(ended);
  return worker;
}
