import { LRUCache } from "lru-cache";
import { type Webhook, WEBHOOKS_MAX } from "../../domain/webhook";
import { Circuit, type Result } from "./circuit";
import { Pacer } from "./pacer";
import { divideRates, type Rates } from "./rates";
import { createSlots, type Slot, type Slots } from "./slots";

export type Admission =
  | { readonly kind: "now" }
  /** Not before that time (epoch milliseconds): it is held, or paced. */
  | { readonly kind: "later"; readonly at: number }
  /** As many as it may run do; an end of one of its own may help. */
  | { readonly kind: "busy" }
  /** The node's slots are taken; an end of anybody's may help. */
  | { readonly kind: "full" }
  /** Whether its rate lets another one start is being asked; those who listen are told. */
  | { readonly kind: "asked" };

/** What a node may send, and when; the notifiers of all its partitions ask here. */
export interface Traffic {
  /** Whether an attempt may start. `retry`: what failed before. */
  admit(webhook: Webhook, retry: boolean, now: number): Admission;
  start(webhook: Webhook, retry: boolean, now: number): Slot;
  /** `result` null: nothing is known of it, it was abandoned. */
  end(slot: Slot, webhook: Webhook, ended: { readonly result: Result | null; readonly timedOut: boolean; readonly now: number }): void;
  /** The endpoint asked to be left alone until then. */
  hold(webhook: Webhook, until: number, now: number): void;
  /** Calls when an attempt ended or what was asked is answered, with the webhook, until the function that it gives is called. */
  onFree(listener: (webhookId: string) => void): () => void;
}

export interface TrafficOptions {
  readonly slots?: Slots;
  /** Left out, this node sends all of every rate. */
  readonly rates?: Rates;
  /** A webhook is left alone because it failed again and again, or is so no longer. */
  readonly onCircuit?: (webhookId: string, open: boolean) => void;
  /** In [0, 1). */
  readonly random?: () => number;
}

interface State {
  circuit: Circuit;
  readonly pacer: Pacer;
}

export function createTraffic(options: TrafficOptions = {}): Traffic {
  const { slots = createSlots(), rates = divideRates(() => 1), onCircuit = () => undefined, random = Math.random } = options;
  const states = new LRUCache<string, State>({ max: WEBHOOKS_MAX });

  function stateOf(webhook: Webhook, now: number): State {
    const known = states.get(webhook.id);
    if (known === undefined) {
      const state = { circuit: new Circuit(webhook, now), pacer: new Pacer() };
      states.set(webhook.id, state);
      if (state.circuit.isOpen) onCircuit(webhook.id, true);
      return state;
    }
    if (!known.circuit.holdsFor(webhook)) turn(webhook.id, known, () => (known.circuit = new Circuit(webhook, now)));
    return known;
  }

  function turn(webhookId: string, state: State, act: () => void): void {
    const before = state.circuit.isOpen;
    act();
    if (state.circuit.isOpen !== before) onCircuit(webhookId, !before);
  }

  return {
    admit(webhook, retry, now) {
      const { circuit, pacer } = stateOf(webhook, now);
      const leave = circuit.leave(webhook, now);
      if (leave.kind === "held") return { kind: "later", at: leave.until };
      const { ratePerSecond } = webhook.settings;
      const dueInMs = ratePerSecond === null ? 0 : rates.dueInMs(webhook.id, ratePerSecond);
      const pacedUntil = ratePerSecond === null || dueInMs === null ? now : Math.max(pacer.freeAt, now + dueInMs);
      if (pacedUntil > now) return { kind: "later", at: pacedUntil };
      const kind = slots.mayStart(webhook.id, leave.atOnce, retry);
      // Nobody else gets what is asked for: only who could use it asks.
      if (ratePerSecond === null || dueInMs !== null || kind !== "now") return { kind };
      rates.ask(webhook.id, ratePerSecond);
      return { kind: "asked" };
    },

    start(webhook, retry, now) {
      const { ratePerSecond } = webhook.settings;
      if (ratePerSecond !== null) stateOf(webhook, now).pacer.take(rates.take(webhook.id, ratePerSecond), now);
      return slots.start(webhook.id, retry);
    },

    end(slot, webhook, { result, timedOut, now }) {
      const state = stateOf(webhook, now);
      if (result !== null && state.circuit.isOf(webhook)) {
        turn(webhook.id, state, () => state.circuit.ended(result, webhook, { now, random: random() }));
      }
      slots.end(slot, timedOut);
    },

    hold(webhook, until, now) {
      const { circuit } = stateOf(webhook, now);
      if (circuit.isOf(webhook)) circuit.hold(until);
    },

    onFree(listener) {
      const ends = [slots.onFree(listener), rates.onAnswer(listener)];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}
