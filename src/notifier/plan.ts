import type { ChangeLogStore, DueDelivery, Lease, LoggedChange, PlannedDelivery, PlanOutcome, PlanStore } from "../store/store";
import { BatchLimit } from "../batchLimit";
import type { Events } from "../telemetry/events";
import { createMatcher, type Matcher } from "./matching";
import { nextTurn } from "../nextTurn";
import { pause } from "../pause";
import type { SharedWebhooks } from "./sharedWebhooks";
import type { Turns } from "./turns";

/** The most changes, and about the most deliveries, in one commit. */
const CHANGES_AT_ONCE_MAX = 500;
const DELIVERIES_AT_ONCE_MAX = 5000;
/** How often it looks without a wake: wakes are hints. */
const LOOK_EVERY_MS = 500;
/** How often it asks whether other nodes edited webhooks while there is nothing to plan. */
const EDITS_EVERY_MS = 5000;
/** From one commit to the next, so that under load changes are planned together. */
const PLAN_EVERY_MS = 5;
const RETRY_MS = 500;

export interface PlannerOptions {
  readonly store: Pick<ChangeLogStore, "changesAfter"> & Pick<PlanStore, "commitPlan">;
  readonly webhooks: SharedWebhooks;
  readonly lease: Lease;
  readonly leaseTtlMs: number;
  /** The number of the last change that was planned. */
  readonly from: number;
  readonly onPlanned: (planned: Planned) => void;
  /** The webhooks were read, at the beginning and after edits. */
  readonly onWebhooks: (matcher: Matcher) => void;
  readonly onLost: () => void;
  readonly turns: Turns;
  readonly events: Events;
}

export interface Planned {
  /** Those that lead their lanes and may be sent at once. */
  readonly heads: readonly DueDelivery[];
  readonly deliveries: readonly PlannedDelivery[];
  /** The changes that are owed to somebody. */
  readonly changes: readonly LoggedChange[];
  readonly matcher: Matcher;
}

interface Draft {
  readonly to: number;
  readonly deliveries: PlannedDelivery[];
  readonly changes: LoggedChange[];
}

/** Turns a partition's changes into deliveries, in order, behind a cursor that moves in the same commit. */
export class Planner {
  #cursor: number;
  /** What was sent to the store and never answered: it may be in, so it is committed again just as it was. */
  #unanswered: { readonly draft: Draft; readonly matcher: Matcher } | null = null;
  /** Null when it must be read again. */
  #matcher: Matcher | null = null;
  readonly #limit = new BatchLimit(CHANGES_AT_ONCE_MAX);
  #woken = false;
  /** How often it was told of edits, and up to which of them it has asked whether the set moved. */
  #edits = { told: 0, asked: 0 };
  #doze = new AbortController();
  /** When the last plan was committed, which would have told of edits. */
  #plannedAt = -Infinity;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(private readonly options: PlannerOptions) {
    this.#cursor = options.from;
    this.#running = this.#run();
  }

  /** There may be changes to plan. Wakes that come while a plan is made are one. */
  wake(): void {
    this.#woken = true;
    this.#doze.abort();
  }

  /** Most edits do not concern planning: a plan, even an empty one, is told whether this one does. */
  webhooksChanged(): void {
    this.#edits.told += 1;
    this.wake();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    this.#doze.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      try {
        this.#woken = false;
        if (await this.options.turns.run(() => this.#planNext())) await nextTurn();
        else await this.#rest();
      } catch (error) {
        this.options.events.planFailed(this.options.lease.partition, error);
        await pause(RETRY_MS, this.#ending.signal);
      }
    }
  }

  /** Until there may be changes. */
  async #rest(): Promise<void> {
    if (!this.#woken && !this.#ending.signal.aborted) {
      this.#doze = new AbortController();
      await pause(LOOK_EVERY_MS, this.#doze.signal);
    }
    const restMs = this.#plannedAt + PLAN_EVERY_MS - performance.now();
    if (restMs > 0) await pause(restMs, this.#ending.signal);
  }

  /** True when there may be more at once. */
  async #planNext(): Promise<boolean> {
    const { store, lease } = this.options;
    if (this.#unanswered !== null) {
      await this.#commit(this.#unanswered);
      return true;
    }
    const matcher = (this.#matcher ??= await this.#readWebhooks());
    const most = this.#limit.items;
    const changes = await store.changesAfter(lease.partition, this.#cursor, most);
    const idle = changes.length === 0;
    const { told, asked } = this.#edits;
    if (idle && told === asked && performance.now() < this.#plannedAt + EDITS_EVERY_MS) return false;
    // An empty plan, too, is refused when the webhooks were edited.
    const draft = draftOf(changes, matcher, this.#cursor);
    const again = await this.#commit({ draft, matcher });
    this.#edits.asked = told;
    return again || draft.to !== (changes.at(-1)?.number ?? draft.to) || changes.length === most;
  }

  async #readWebhooks(): Promise<Matcher> {
    const matcher = createMatcher(await this.options.webhooks.read(), this.options.lease.partition);
    this.options.onWebhooks(matcher);
    return matcher;
  }

  /** True when it must be planned again. */
  async #commit(sent: { draft: Draft; matcher: Matcher }): Promise<boolean> {
    const { lease, events } = this.options;
    const { matcher, draft } = sent;
    const { to, deliveries, changes } = draft;
    const { webhooksVersion } = matcher;
    const outcome = await this.#send(sent);
    switch (outcome.kind) {
      case "planned": {
        this.#plannedAt = performance.now();
        if (to === this.#cursor) return false;
        this.#cursor = to;
        this.options.onPlanned({ heads: outcome.heads, deliveries, changes, matcher });
        const skipped = deliveries.reduce((count, { state }) => count + (state === "skipped" ? 1 : 0), 0);
        events.deliveriesPlanned(lease.partition, to, { pending: deliveries.length - skipped, skipped });
        return false;
      }
      case "webhooksMoved":
        this.options.webhooks.forget(webhooksVersion);
        this.#matcher = null;
        return true;
      case "fenced":
      case "moved":
        this.#ending.abort();
        this.options.onLost();
        return false;
    }
  }

  async #send(sent: { draft: Draft; matcher: Matcher }): Promise<PlanOutcome> {
    const { store, lease, leaseTtlMs } = this.options;
    const { to, deliveries } = sent.draft;
    const { webhooksVersion } = sent.matcher;
    this.#unanswered = sent;
    const startedAt = performance.now();
    try {
      const outcome = await store.commitPlan({ lease, leaseTtlMs, webhooksVersion, from: this.#cursor, to, deliveries });
      this.#unanswered = null;
      this.#limit.succeeded(performance.now() - startedAt);
      return outcome;
    } catch (error) {
      // Should it be in after all, half of it is refused, and the partition is taken up from where the table says.
      if (this.#limit.failed(to - this.#cursor, performance.now() - startedAt)) this.#unanswered = null;
      throw error;
    }
  }
}

function draftOf(changes: readonly LoggedChange[], matcher: Matcher, from: number): Draft {
  const draft = { to: from, deliveries: [] as PlannedDelivery[], changes: [] as LoggedChange[] };
  for (const change of changes) {
    if (draft.deliveries.length >= DELIVERIES_AT_ONCE_MAX) break;
    const matched = matcher.match(change);
    draft.to = change.number;
    if (matched.length === 0) continue;
    for (const delivery of matched) draft.deliveries.push(delivery);
    draft.changes.push(change);
  }
  return draft;
}
