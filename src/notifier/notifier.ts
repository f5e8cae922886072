import type { ChangeLogStore, DeliveryStore, Lease, PlanStore, ReplayStore, WebhookStore } from "../store/store";
import type { Events } from "../telemetry/events";
import { createAttempt } from "./attempt";
import { type BodyMemory, createBodies, createBodyMemory } from "./bodies";
import { Dispatcher } from "./dispatch";
import { createEndpoints, type Endpoints } from "./endpoints";
import { createOwed } from "./owed";
import { pause } from "../pause";
import { Planner } from "./plan";
import { createRecovery } from "./recovery";
import { openReplays } from "./replays";
import { Settler } from "./settle";
import { type SharedWebhooks, shareWebhooks } from "./sharedWebhooks";
import type { Turns } from "./turns";
import type { Sender } from "./webhook/sender";

const WATCH_RETRY_MS = 2000;

export interface NotifierOptions {
  readonly store: ChangeLogStore & PlanStore & DeliveryStore & ReplayStore & Pick<WebhookStore, "updateWebhook">;
  /** What all notifiers of this node plan by; left out, this one reads for itself. */
  readonly webhooks?: SharedWebhooks;
  /** Those that all notifiers of this node send to; left out, this one reads for itself. */
  readonly endpoints?: Endpoints;
  /** What all notifiers of this node have at hand to send; left out, this one keeps its own. */
  readonly bodies?: BodyMemory;
  readonly lease: Lease;
  readonly leaseTtlMs: number;
  /** Whether the lease still lasts, by this node's monotonic clock. */
  readonly isHeld: () => boolean;
  /** The database knows another owner. */
  readonly onLost: () => void;
  /** The number of the last change that was planned. */
  readonly from: number;
  /** Subscribes to wakes; they are hints. May reject while the broker is away. */
  readonly watch: (onWake: () => void) => Promise<{ stop(): Promise<void> }>;
  readonly sender: Pick<Sender, "endpointOf" | "send" | "traffic">;
  /** Commits of all notifiers of this node take turns, so that many quiet partitions write as few as one busy one. */
  readonly turns: Turns;
  readonly events: Events;
  readonly clock?: Clock;
}

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** In [0, 1). */
  random(): number;
}

export interface Notifier {
  /** There may be changes to plan. A hint. */
  wake(): void;
  /** Webhooks were edited on this node, or deliveries were made due. */
  webhooksChanged(): void;
  /** What runs has `graceMs`; what did not end by then is sent again, under the same id, after the next start. */
  stop(graceMs: number): Promise<void>;
}

const CLOCK: Clock = { now: () => Date.now(), random: () => Math.random() };

/** Plans and delivers the changes of one partition, for as long as its lease lasts. */
export function openNotifier(options: NotifierOptions): Promise<Notifier> {
  const { store, lease, leaseTtlMs, sender, turns, events, clock = CLOCK } = options;
  const now = () => clock.now();
  const { onLost, isHeld } = untilLost(options);
  const endpoints = options.endpoints ?? createEndpoints(store);
  const bodies = createBodies(store, lease.partition, options.bodies ?? createBodyMemory());
  const owed = createOwed({ store, onDisabled: () => endpoints.forget(), events });
  const recovery = createRecovery({ store, lease, now, onWoken: (webhookId) => dispatcher.expect(webhookId), events });
  const attempt = createAttempt({ sender, bodies, owed, isHeld, moment: () => ({ now: now(), random: clock.random() }), events });
  const settler = new Settler({
    store,
    lease,
    leaseTtlMs,
    onSettled: (settlements, heads) => {
      recovery.settled(settlements);
      dispatcher.settled(settlements, heads);
    },
    onLost,
    turns,
    events,
  });
  const dispatcher = new Dispatcher({
    store,
    lease,
    isHeld,
    traffic: sender.traffic,
    endpoints,
    attempt,
    settler,
    endOwed: (webhookId) => owed.end(webhookId),
    onWaiting: (webhookId) => recovery.waiting(webhookId),
    now,
    events,
  });
  const planner = new Planner({
    store,
    webhooks: options.webhooks ?? shareWebhooks(store),
    lease,
    leaseTtlMs,
    from: options.from,
    onWebhooks: ({ newest }) => owed.review(newest),
    onPlanned: ({ heads, changes, deliveries, matcher }) => {
      for (const change of changes) bodies.keep(change);
      dispatcher.offer(heads);
      owed.planned(deliveries, matcher.newest);
    },
    onLost,
    turns,
    events,
  });
  const replays = carriesReplaysOn(lease) ? openReplays({ store, isHeld, onAdvanced: (id) => dispatcher.expect(id), events }) : null;
  const watching = keepWatching(options.watch, () => planner.wake());

  return Promise.resolve({
    wake: () => planner.wake(),

    webhooksChanged() {
      endpoints.forget();
      planner.webhooksChanged();
      dispatcher.look();
      replays?.wake();
    },

    async stop(graceMs) {
      await Promise.all([watching.stop(), planner.stop(), replays?.stop(), dispatcher.stop(graceMs)]);
      await settler.stop();
      await Promise.all([owed.stop(), recovery.stop()]);
    },
  });
}

/** One of all notifiers does. */
function carriesReplaysOn({ partition }: NotifierOptions["lease"]): boolean {
  return partition === 0;
}

/** However many find out that the lease is lost, it is said once, and holds from then on. */
function untilLost({ isHeld, onLost }: Pick<NotifierOptions, "isHeld" | "onLost">): Pick<NotifierOptions, "isHeld" | "onLost"> {
  let lost = false;
  return {
    isHeld: () => !lost && isHeld(),
    onLost() {
      if (!lost) onLost();
      lost = true;
    },
  };
}

/** Subscribes again and again until it succeeds; without it the planner looks by itself. */
function keepWatching(watch: NotifierOptions["watch"], onWake: () => void): { stop(): Promise<void> } {
  const ending = new AbortController();

  async function run(): Promise<{ stop(): Promise<void> } | null> {
    while (!ending.signal.aborted) {
      try {
        const subscription = await watch(onWake);
        onWake();
        return subscription;
      } catch {
        await pause(WATCH_RETRY_MS, ending.signal);
      }
    }
    return null;
  }

  const running = run();
  return {
    async stop() {
      ending.abort();
      await (await running)?.stop();
    },
  };
}
