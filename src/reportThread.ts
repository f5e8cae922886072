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
    const started = new Worker(new URL("./reportWorker.ts", import.meta.url).href);
    worker = started;
    started.unref();
    started.onmessage = ({ data }: MessageEvent<Answer>) => heard(data);
    started.onerror = ({ message }) => {
      started.terminate();
      events.failed("reports.thread", new Error(`the thread that takes reports in ended: ${message}`));
      ended();
    };
    started.postMessage(settings satisfies ReportWorkerSettings);
    return { order: (order: Order, transfer) => started.postMessage(order, [...transfer]) };
  };

  const thread = new ReportThread({ start, store });
  stack.defer(async () => {
    await Promise.race([thread.close(), Bun.sleep(CLOSE_MS)]);
    worker?.terminate();
  });
  return thread.open;
}
