import type { StreamMessage } from "../jetstream/ports";
import type { DeadLetterStore } from "../store/store";
import type { Events } from "../telemetry/events";

export const STRAYS_STREAM = "STRAYS";
const STRAYS_AT_ONCE_MAX = 256;
const LINGER_MS = 50;
const RETRY_MS = 500;

export interface StrayReader {
  next(limit: number, lingerMs: number): Promise<StreamMessage[]>;
  stop(): Promise<void>;
}

export interface StraysOptions {
  readonly store: Pick<DeadLetterStore, "recordStrays" | "strayCursor">;
  readonly openReader: (cursor: { sequence: number; timeNs: string } | null) => Promise<StrayReader>;
  readonly events: Events;
}

/** Turns what was published beside the mapping, under a subject that names no sensor, into dead letters. */
export function openStrays({ store, openReader, events }: StraysOptions): { stop(): Promise<void> } {
  let stopped = false;
  let reader: StrayReader | null = null;
  const ending = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        reader = await openReader(await store.strayCursor(STRAYS_STREAM));
        await readOn(reader);
      } catch (error) {
        if (!stopped) events.straysFailed(error);
        await Promise.race([Bun.sleep(RETRY_MS), ending.promise]);
      } finally {
        await reader?.stop();
        reader = null;
      }
    }
  }

  async function readOn(open: StrayReader): Promise<void> {
    while (!stopped) {
      const messages = await open.next(STRAYS_AT_ONCE_MAX, LINGER_MS);
      const last = messages.at(-1);
      if (last === undefined) continue;
      const rows = messages.map(({ sequence, subject, timeMs, payload }) => ({
        sequence,
        subject,
        receivedAt: timeMs,
        reason: "the subject names no sensor: sensors.<id>.status is expected, with an id of one token",
        payload,
      }));
      await store.recordStrays(STRAYS_STREAM, rows, { sequence: last.sequence, timeNs: last.timeNs() });
      events.straysRecorded(rows.length);
    }
  }

  const running = run();
  return {
    async stop() {
      stopped = true;
      ending.resolve();
      await reader?.stop();
      await running;
    },
  };
}
