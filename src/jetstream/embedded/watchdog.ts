import type { Events } from "../../telemetry/events";

const BEAT_EVERY_MS = 3000;
/** So many beats in a row must fail: one may be our own fault, on a machine that is busy. */
const FAILED_BEATS_MAX = 3;

export interface WatchdogOptions {
  /** Rejects when the broker takes nothing. */
  readonly beat: () => Promise<void>;
  /** Without a connection it is starting, or has ended and is being replaced: that is not ours to judge. */
  readonly isConnected: () => boolean;
  /** Ends the child, so that it is started again. */
  readonly restart: () => void;
  readonly events: Pick<Events, "natsServerStuck">;
  readonly everyMs?: number;
}

/** Restarts a child that runs and yet takes nothing: hung, stopped, or stuck in an error of its disk that is over. */
export function openWatchdog({ beat, isConnected, restart, events, everyMs = BEAT_EVERY_MS }: WatchdogOptions): { stop(): Promise<void> } {
  let failed = 0;
  let stopped = false;
  let beating: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    try {
      await beat();
      failed = 0;
    } catch (error) {
      failed = isConnected() ? failed + 1 : 0;
      if (stopped || failed < FAILED_BEATS_MAX) return;
      failed = 0;
      events.natsServerStuck(error);
      restart();
    }
  }

  const timer = setInterval(() => {
    beating = beating.then(look);
  }, everyMs);
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await beating;
    },
  };
}
