import type { Replay, ReplayStore } from "../store/store";
import type { Events } from "../telemetry/events";
import { pause } from "../pause";

/** How often it is asked for jobs, and how often each of them goes on. */
const LOOK_EVERY_MS = 1000;
const STEP_EVERY_MS = 250;
/** In one transaction. */
const STEP_MAX = 500;

export interface ReplaysOptions {
  readonly store: Pick<ReplayStore, "runningReplays" | "advanceReplay">;
  /** A node that lost its lease leaves the jobs to the next owner; were there two, each step would still be made once. */
  readonly isHeld: () => boolean;
  /** Deliveries of a webhook were made due, in whatever partitions. */
  readonly onAdvanced: (webhookId: string) => void;
  readonly events: Events;
}

/** Carries on the jobs of replay, each at its own pace, wherever the one before left them. */
export function openReplays({ store, isHeld, onAdvanced, events }: ReplaysOptions): { wake(): void; stop(): Promise<void> } {
  const ending = new AbortController();
  let doze = new AbortController();
  const running = run();

  async function run(): Promise<void> {
    const owing = new Map<string, number>();
    while (!ending.signal.aborted) {
      let busy = false;
      try {
        const jobs = isHeld() ? await store.runningReplays() : [];
        for (const job of jobs) await advance(job, owing);
        for (const id of owing.keys()) if (!jobs.some((job) => job.id === id)) owing.delete(id);
        busy = jobs.length > 0;
      } catch (error) {
        events.failed("replay", error);
      }
      doze = new AbortController();
      if (!ending.signal.aborted) await pause(busy ? STEP_EVERY_MS : LOOK_EVERY_MS, doze.signal);
    }
  }

  /** `owing`: the part of a delivery that a job may make due with its next step. */
  async function advance({ id, webhookId, ratePerSecond, replayed }: Replay, owing: Map<string, number>): Promise<void> {
    const due = (owing.get(id) ?? 1) + (ratePerSecond * STEP_EVERY_MS) / 1000;
    let left = Math.floor(due);
    owing.set(id, due - left);
    let before = replayed;
    while (left > 0 && !ending.signal.aborted && isHeld()) {
      const asked = Math.min(left, STEP_MAX);
      const after = await store.advanceReplay(id, asked);
      if (after === null) return;
      if (after.replayed > before) onAdvanced(webhookId);
      if (after.state !== "running") {
        events.replayEnded(id, webhookId, after);
        return;
      }
      // A step looks at so many rows and may find few that fit: the others of this turn are for the next.
      left -= Math.max(1, after.replayed - before);
      before = after.replayed;
    }
  }

  return {
    wake: () => doze.abort(),
    async stop() {
      ending.abort();
      doze.abort();
      await running;
    },
  };
}
